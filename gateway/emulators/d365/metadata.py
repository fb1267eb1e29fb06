"""
``$metadata``: the entity types, the enum and the action, as CSDL.

Source: OData CSDL XML 4.0; Microsoft Learn, Finance & Operations "Open Data Protocol (OData)" (the schema's namespace).
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.emulators.d365 import histories
from gateway.emulators.d365.jobs import STATUSES
from gateway.emulators.d365.rows import FIELDS

NAMESPACE = "Microsoft.Dynamics.DataEntities"
_EDM = {
    "BatchJobRecId": "Edm.Int64",
    "BatchJobId": "Edm.Int64",
    "Status": f"{NAMESPACE}.BatchStatus",
    "StartTime": "Edm.Int32",
    "Finishing": "Edm.Int32",
    "Recurrence": "Edm.Binary",
    "StartDate": "Edm.DateTimeOffset",
}


def metadata() -> str:
    """The document."""
    members = "".join(f'<Member Name="{name}" Value="{value}"/>' for value, name in enumerate(STATUSES))
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'<EnumType Name="BatchStatus">{members}</EnumType>'
        f"{_entity('BatchJob', 'BatchJobRecId', FIELDS)}{_entity('BatchJobHistory', 'BatchJobId', histories.FIELDS)}"
        '<Action Name="SetBatchJobToWaiting" IsBound="true">'
        f'<Parameter Name="bindingParameter" Type="Collection({NAMESPACE}.BatchJob)"/>'
        '<Parameter Name="batchJobId" Type="Edm.Int64" Nullable="false"/><ReturnType Type="Edm.String"/></Action>'
        '<EntityContainer Name="Resources">'
        f'<EntitySet Name="BatchJobs" EntityType="{NAMESPACE}.BatchJob"/>'
        f'<EntitySet Name="BatchJobHistories" EntityType="{NAMESPACE}.BatchJobHistory"/>'
        "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
    )


def _entity(name: str, key: str, fields: Iterable[str]) -> str:
    properties = "".join(f'<Property Name="{field}" Type="{_type(field)}"/>' for field in fields)
    return f'<EntityType Name="{name}"><Key><PropertyRef Name="{key}"/></Key>{properties}</EntityType>'


def _type(field: str) -> str:
    return _EDM.get(field) or ("Edm.DateTimeOffset" if field.endswith("DateTime") else "Edm.String")
