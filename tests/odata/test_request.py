"""URLs against a service's metadata: what OData 4 allows, and everything else."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from urllib.parse import quote

import pytest

from gateway.odata.csdl import read_metadata
from gateway.odata.failures import ODataMismatch
from gateway.odata.metadata import ServiceModel
from gateway.odata.request import VersionRange, check_url, version_of
from tests.odata.shop import METADATA

GOOD = [
    "/",
    "/$metadata",
    "/Customers",
    "/Customers(1)",
    "/Customers(ID=1)/Orders",
    "/Customers(1)/Address/City/$value",
    "/Customers/$count?$filter=ID gt 3",
    "/Customers(1)/Orders(Shop='a',No=2)/Customer/Name/$value",
    "/Customers(1)/Orders/$ref",
    "/Orders(Shop='it''s',No=-2)",
    "/Orders(Shop='a(b%2Fc',No=9223372036854775807)",
    "/Customers%28ID=1%29",
    "/Customers/Acme.Shop.Vip",
    "/Customers(1)/S.Vip/Level",
    "/Customers/S.Best(count=3)?$top=2",
    "/Customers/S.Best(count=3)(1)",
    "/Customers(1)/S.IsGood()",
    "/Orders(Shop='a',No=2)/S.Cancel",
    "/Near(city='Rome')?$select=Name",
    "/Near(city=@c)?@c='Rome'",
    "/Customers(@id)?@id=1",
    "/Reset",
    "/Me/Name",
    "/Bags(11111111-2222-3333-4444-555555555555)/$value",
    "/Bags?$filter=Anything eq 3",
    "/Customers?$filter=Name eq 'O''Neil' and (ID add 2) lt 5 or not contains(Name,'x')",
    "/Customers?$filter=Name eq 'or 1 eq 1)'",
    "/Customers?$filter=Orders/any(o:o/Total gt 3.5 and o/Customer/Name eq Name)",
    "/Customers?$filter=Orders/any() and Tags/all(t:startswith(t,'a'))",
    "/Customers?$filter=Tags/any(t:t eq 'a')&$orderby=Name desc,ID&$skip=1&$count=true",
    "/Customers?$filter=Color eq Acme.Shop.Color'Red' and Color has S.Color'Blue'",
    "/Customers?$filter=Born ge 2020-01-31 and year(Born) eq 2020",
    "/Customers?$filter=Seen lt 2020-01-31T10:00:00Z and Seen gt 2020-01-31T10:00:00.123-08:00",
    "/Customers?$filter=ID in (1,2,3) and Weight gt -1.5e3",
    "/Customers?$filter=S.IsGood() and Address/Zip eq null",
    "/Customers?$filter=isof(S.Vip) and cast(ID,Edm.String) eq '1' and S.Vip/Level gt 1",
    "/Customers?$filter=Orders/$count gt 2",
    "/Customers?$filter=case(ID gt 1:true,true:false)",
    "/Customers?$expand=Orders($select=Total;$filter=No eq 1;$expand=Customer($levels=2)),Orders/$count",
    "/Customers?$expand=*($levels=max)",
    "/Customers?$select=Name,Address/City,S.Vip/Level&$expand=Orders/$ref",
    "/Customers?$select=*,S.IsGood",
    '/Customers?$search="big blue" AND (red OR NOT green)',
    "/Customers?$apply=filter(ID gt 1)/groupby((Name),aggregate(ID with sum as Total,$count as N))&$orderby=Total desc",
    "/Customers?$compute=ID mul 2 as Double&$filter=Double gt 3",
    "/Customers?customer=1&$format=json",
    "/Customers?",
]
BAD = [
    "/customers",
    "/Nothing",
    "/Customers('1')",
    "/Customers(ID=1,ID=1)",
    "/Customers(Name='x')",
    "/Customers(1)(2)",
    "/Customers(1",
    "/Customers(1)x",
    "/Customers(1 eq 1)",
    "/Customers(Name)",
    "/Customers(null)",
    "/Customers/",
    "/Customers//Orders",
    "/Customers/1",
    "/Customers(2147483648)",
    "/Customers(1.5)",
    "/Orders(Shop='a')",
    "/Orders(1)",
    "/Orders(Shop='a',No=2,Total=1)",
    "/Customers(1)/Nope",
    "/Customers/Name",
    "/Customers(1)/Name/City",
    "/Customers(1)/Name/$ref",
    "/Customers(1)/$value",
    "/Customers(1)/$count",
    "/Customers(1)/Acme.Shop.Order",
    "/Customers/S.Best",
    "/Customers/S.Best()",
    "/Customers/S.Best(count=1,count=2)",
    "/Customers/S.Cancel",
    "/Orders/S.Cancel",
    "/Customers/$metadata",
    "/Customers/$links/Orders",
    "/$batch",
    "/$all",
    "/$crossjoin(Customers,Orders)",
    "/$entity?$id=Customers(1)",
    "/Reset(1)",
    "/Near",
    "/Near(town='Rome')",
    "/Near(city=@c)",
    "/Me(1)",
    "/Customers%2527",
    "/Customers(%2527a%2527)",
    "/Customers%00",
    "/Customers%ff",
    "/Customers(1)?$filter=ID eq 1",
    "/Customers(1)?$top=1",
    "/Customers/$count?$select=Name",
    "/Customers(1)/Name?$select=Name",
    "/Customers(1)/S.IsGood()?$expand=Orders",
    "/$metadata?$filter=true",
    "/Customers?$filter=",
    "/Customers?$filter=Name",
    "/Customers?$filter=Nope eq 1",
    "/Customers?$filter=Address/Nope eq 1",
    "/Customers?$filter=Name eq 1",
    "/Customers?$filter=ID and true",
    "/Customers?$filter=not ID",
    "/Customers?$filter=Tags eq 'a'",
    "/Customers?$filter=Name eq 'a",
    "/Customers?$filter=Name eq 'a' and",
    "/Customers?$filter=Name eq'a'",
    "/Customers?$filter=(Name eq 'a'",
    "/Customers?$filter=Name eq 'a')",
    "/Customers?$filter=Name eq 'a';drop",
    '/Customers?$filter=Name eq "a"',
    "/Customers?$filter=Name%2520eq%20'a'",
    "/Customers?$filter=Name eq %2527x%2527",
    "/Customers?$filter=Name eq 'a'%00",
    "/Customers?$filter=Seen gt 2020-01-31T10:00:00+01:00",
    "/Customers?$filter=Born eq 2020-02-31",
    "/Customers?$filter=Color eq S.Color'Green'",
    "/Customers?$filter=ID eq 0x10",
    "/Customers?$filter=Orders/any(o:o/Nope eq 1)",
    "/Customers?$filter=Orders/any(o:Total gt 1)",
    "/Customers?$filter=Orders/Total gt 1",
    "/Customers?$filter=ID/any(o:o eq 1)",
    "/Customers?$filter=bogus(ID) eq 1",
    "/Customers?$filter=contains(Name) eq true",
    "/Customers?$filter=substringof('a',Name)",
    "/Customers?$filter=ID eq @p",
    "/Customers?$filter=S.Cancel()",
    "/Customers?$filter=$root/Orders/any()",
    "/Orders?$filter=S.Vip/Level gt 1",
    "/Customers?@p=(((",
    "/Customers?@1=2",
    "/Customers?$filter=@a&@a=@a",
    "/Customers?$filter=@a&@a=@b and true&@b=@a",
    "/Customers(\u0661)",
    "/Customers?$filter=ID eq \u0661",
    "/Customers?$filter=Born eq 202\u0660-01-01",
    "/Customers?$$filter=ID eq 1",
    "/Customers?$FILTER=ID eq 1",
    "/Customers?filter=ID eq 1",
    "/Customers?$filter =ID eq 1",
    "/Customers?$bogus=1",
    "/Customers?a=1;$filter=Nope eq 1",
    "/Customers?a;$filter=Nope eq 1",
    "/Customers?$filter=ID eq 1&$filter=ID eq 2",
    "/Customers?%24filter=ID eq 1&$filter=ID eq 2",
    "/Customers?$filter=ID eq 1&%2524filter=true",
    "/Customers?$top=-1",
    "/Customers?$top=1.5",
    "/Customers?$top=",
    "/Customers?$skip=9999999999999999999",
    "/Customers?$count=yes",
    "/Customers?$orderby=Name up",
    "/Customers?$orderby=Nope",
    "/Customers?$select=Nope",
    "/Customers?$select=Name eq 1",
    "/Customers?$expand=Name",
    "/Customers?$expand=Address",
    "/Customers?$expand=Orders($bogus=1)",
    "/Customers?$expand=Orders($filter=Nope eq 1)",
    "/Customers?$expand=Orders($top=1;$top=2)",
    "/Customers?$expand=Orders(",
    "/Customers?$expand=Orders)",
    "/Customers?$expand=Orders($levels=100)",
    "/Customers?$levels=1",
    "/Customers?$search=",
    "/Customers?$search=AND",
    "/Customers?$search=(a",
    "/Customers?$apply=drop(x)",
    "/Customers?$apply=aggregate(ID as Total)",
    "/Customers?$compute=ID mul 2",
    "/Customers?$format=<x>",
]
NESTED = "Orders($expand=Customer($expand="
LONG = {
    "brackets": "/Customers?$filter=" + "(" * 40 + "true" + ")" * 40,
    "not": "/Customers?$filter=" + "not " * 40 + "true",
    "minus": "/Customers?$filter=" + "-" * 4000 + "1 eq 1",
    "conditions": "/Customers?$filter=" + " and ".join(["ID eq 1"] * 900),
    "lambdas": "/Customers?$filter=" + "Orders/any(o:o/Customer/" * 6 + "Orders/any()" + ")" * 6,
    "expansions": f"/Customers?$expand={NESTED * 5}Orders{'))' * 5}",
    "search": "/Customers?$search=" + "(" * 30 + "a" + ")" * 30,
    "words": "/Customers?$search=" + "a " * 1000,
    "segments": "/Customers(1)" + "/Orders(Shop='a',No=1)/Customer" * 40,
    "options": "/Customers?" + "&".join(f"a{number}=1" for number in range(200)),
    "query": "/Customers?a=" + "a" * 20_000,
    "items": "/Customers?$select=" + ",".join(["Name"] * 1000),
    "apply": "/Customers?$apply=" + "/".join(["identity"] * 100),
    "list": "/Customers?$filter=ID in (" + ",".join(["1"] * 2000) + ")",
    "quotes": "/Customers?$filter=Name eq '" + "''" * 4000,
}


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> ServiceModel:
    """The model of the shop."""
    file = tmp_path_factory.mktemp("odata") / "metadata.xml"
    file.write_text(METADATA)
    return read_metadata(file)


def judge(url: str, metadata: ServiceModel, version: tuple[int, int] = (4, 0)) -> str:
    """Empty, or why *url* is refused."""
    path, _, query = url.partition("?")
    try:
        check_url(path, quote(query, safe="%$&=()/;,'@*:+"), metadata, version)
    except ODataMismatch as error:
        return str(error)
    return ""


def test_what_odata_allows(metadata: ServiceModel) -> None:
    """Paths, keys, options and expressions that fit the metadata pass."""
    refused = {url: why for url in GOOD if (why := judge(url, metadata))}
    assert not refused


def test_what_odata_does_not_allow(metadata: ServiceModel) -> None:
    """Whatever does not fit the grammar or the metadata is refused, and so is what servers could read differently."""
    assert not [url for url in BAD if not judge(url, metadata)]


def test_what_is_too_much(metadata: ServiceModel) -> None:
    """Depth, length and number of everything have a bound, and refusing takes no time worth mentioning."""
    started = process_time()
    assert not [name for name, url in LONG.items() if not judge(url, metadata)]
    assert process_time() - started < 1.0


def test_options_of_later_versions(metadata: ServiceModel) -> None:
    """From 4.01 on options may come without $ and in any case; they are judged all the same."""
    assert not judge("/Customers?filter=ID eq 1&TOP=1", metadata, (4, 1))
    assert judge("/Customers?filter=Nope eq 1", metadata, (4, 1))
    assert "twice" in judge("/Customers?filter=ID eq 1&$FILTER=true", metadata, (4, 1))


HEADERS: list[tuple[dict[str, str], tuple[int, int] | None]] = [
    ({}, (4, 0)),
    ({"OData-Version": "4.01"}, (4, 1)),
    ({"OData-Version": "4.0", "OData-MaxVersion": "4.01"}, (4, 0)),
    ({"OData-Version": "3.0"}, None),
    ({"OData-Version": "5.0"}, None),
    ({"OData-Version": "four"}, None),
    ({"OData-Version": ""}, None),
    ({"OData-Version": "4.0;a, 4.01"}, None),
    ({"OData-Version": "4.0;a"}, (4, 0)),
    ({"OData-MaxVersion": "3.0"}, None),
    ({"OData-MaxVersion": "x"}, None),
]


@pytest.mark.parametrize(("headers", "version"), HEADERS)
def test_versions(headers: dict[str, str], version: tuple[int, int] | None) -> None:
    """OData-Version decides, a service of version 4 has nothing to do with 3, and nonsense is refused."""
    accepted = VersionRange()
    if version is not None:
        assert accepted.version(lambda name: headers.get(name)) == version
    else:
        with pytest.raises(ODataMismatch):
            accepted.version(lambda name: headers.get(name))


def test_versions_that_the_policy_accepts() -> None:
    """A range is one of numbers: 4.01 is later than 4.0."""
    only_new = VersionRange(lowest=version_of("4.01", ""), highest=version_of("4.01", ""))
    assert only_new.version(lambda _: "4.01") == (4, 1)
    with pytest.raises(ODataMismatch):
        only_new.version(lambda _: None)


def test_the_shops_metadata(metadata: ServiceModel, tmp_path: Path) -> None:
    """Aliases are resolved, inherited keys and properties known."""
    assert metadata.keys("Acme.Shop.Vip") == metadata.keys("Acme.Shop.Customer")
    assert set(metadata.keys("Acme.Shop.Order")) == {"Shop", "No"}
    assert metadata.entity_sets["Bags"].name == "Acme.Shop.Bag"
