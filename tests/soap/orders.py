"""A WSDL with what makes them difficult: two bindings of one port type, an rpc binding, headers, an action for two."""

from __future__ import annotations

WSDL = """<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:http="http://schemas.xmlsoap.org/wsdl/http/"
    xmlns:a="http://www.w3.org/2007/05/addressing/metadata" xmlns:t="urn:acme:orders" targetNamespace="urn:acme:orders">
  <message name="GetIn"><part name="parameters" element="t:Get"/><part name="who" element="t:Who"/></message>
  <message name="GetOut"><part name="parameters" element="t:GetResponse"/></message>
  <message name="PutIn"><part name="parameters" element="t:Put"/></message>
  <message name="Nothing"/>
  <message name="AddIn"><part name="a" type="t:int"/><part name="b" type="t:int"/></message>
  <portType name="Orders">
    <operation name="Get"><input message="t:GetIn"/><output message="t:GetOut"/></operation>
    <operation name="Put"><input message="t:PutIn" a:Action="urn:put"/><output message="t:GetOut"/></operation>
    <operation name="Ping"><input message="t:Nothing"/></operation>
  </portType>
  <portType name="Sums"><operation name="Add"><input message="t:AddIn"/></operation></portType>
  <binding name="Old" type="t:Orders">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Get"><soap:operation soapAction="urn:get"/>
      <input><soap:header message="t:GetIn" part="who" use="literal"/><soap:body use="literal"/></input></operation>
    <operation name="Put"><soap:operation soapAction=""/><input><soap:body use="literal"/></input></operation>
    <operation name="Ping"><soap:operation soapAction=""/><input><soap:body use="literal"/></input></operation>
  </binding>
  <binding name="New" type="t:Orders">
    <soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Get"><soap12:operation soapAction="urn:get12"/>
      <input><soap12:body parts="parameters" use="literal"/></input></operation>
  </binding>
  <binding name="Calls" type="t:Sums">
    <soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Add"><soap:operation soapAction="urn:add"/>
      <input><soap:body use="literal" namespace="urn:acme:sums"/></input></operation>
  </binding>
  <binding name="Queue" type="t:Sums"><soap:binding transport="http://www.w3.org/2010/soapjms/"/></binding>
  <binding name="Form" type="t:Sums"><http:binding verb="GET"/></binding>
  <service name="OrderService">
    <port name="OldPort" binding="t:Old"><soap:address location="http://x.test/"/></port>
    <port name="NewPort" binding="t:New"/>
    <port name="FormPort" binding="t:Form"/><port name="JmsPort" binding="t:Queue"/>
  </service>
  <service name="SumService"><port name="SumPort" binding="t:Calls"/></service>
</definitions>
"""
