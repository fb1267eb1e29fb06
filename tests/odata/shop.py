"""A service's metadata with one of everything."""

from __future__ import annotations

METADATA = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">
 <edmx:DataServices>
  <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Acme.Shop" Alias="S">
   <EnumType Name="Color"><Member Name="Red"/><Member Name="Blue"/></EnumType>
   <TypeDefinition Name="Weight" UnderlyingType="Edm.Decimal"/>
   <ComplexType Name="Address">
    <Property Name="City" Type="Edm.String"/><Property Name="Zip" Type="Edm.Int32"/>
   </ComplexType>
   <EntityType Name="Customer">
    <Key><PropertyRef Name="ID"/></Key>
    <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
    <Property Name="Name" Type="Edm.String"/>
    <Property Name="Born" Type="Edm.Date"/>
    <Property Name="Seen" Type="Edm.DateTimeOffset"/>
    <Property Name="Tags" Type="Collection(Edm.String)"/>
    <Property Name="Color" Type="S.Color"/>
    <Property Name="Weight" Type="S.Weight"/>
    <Property Name="Address" Type="S.Address"/>
    <NavigationProperty Name="Orders" Type="Collection(S.Order)"/>
   </EntityType>
   <EntityType Name="Vip" BaseType="S.Customer"><Property Name="Level" Type="Edm.Byte"/></EntityType>
   <EntityType Name="Order">
    <Key><PropertyRef Name="Shop"/><PropertyRef Name="No"/></Key>
    <Property Name="Shop" Type="Edm.String"/>
    <Property Name="No" Type="Edm.Int64"/>
    <Property Name="Total" Type="Edm.Decimal"/>
    <NavigationProperty Name="Customer" Type="S.Customer"/>
   </EntityType>
   <EntityType Name="Bag" OpenType="true" HasStream="true">
    <Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Guid"/>
   </EntityType>
   <Function Name="Best" IsBound="true">
    <Parameter Name="it" Type="Collection(S.Customer)"/><Parameter Name="count" Type="Edm.Int32"/>
    <ReturnType Type="Collection(S.Customer)"/>
   </Function>
   <Function Name="IsGood" IsBound="true">
    <Parameter Name="it" Type="S.Customer"/><ReturnType Type="Edm.Boolean"/>
   </Function>
   <Action Name="Cancel" IsBound="true"><Parameter Name="it" Type="S.Order"/></Action>
   <Function Name="Near">
    <Parameter Name="city" Type="Edm.String"/><ReturnType Type="Collection(S.Customer)"/>
   </Function>
   <Action Name="Reset"/>
   <EntityContainer Name="Container">
    <EntitySet Name="Customers" EntityType="S.Customer"/>
    <EntitySet Name="Orders" EntityType="S.Order"/>
    <EntitySet Name="Bags" EntityType="S.Bag"/>
    <Singleton Name="Me" Type="S.Customer"/>
    <FunctionImport Name="Near" Function="S.Near"/>
    <ActionImport Name="Reset" Action="S.Reset"/>
   </EntityContainer>
  </Schema>
 </edmx:DataServices>
</edmx:Edmx>
"""
