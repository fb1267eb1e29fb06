"""The repositories: public ones of different shapes, and where the instance is in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repository:
    """
    One repository.

    Attributes:
        name: ``owner/name`` on GitHub.
        shape: What is special about it.
        path: Where the instance is; empty for the repository itself.
    """

    name: str
    shape: str
    path: str = ""

    @property
    def folder(self) -> str:
        """The name of its clone."""
        return self.name.replace("/", "+")


REPOSITORIES = (
    Repository("Azure/apiops", "APIOps: the tool's own samples: revisions, GraphQL, SOAP, WADL, tags with links"),
    Repository(
        "pagopa/dx-playground",
        "APIOps: pools of function apps, keys in a Key Vault, a version set, revisions",
    ),
    Repository("anotherRedbeard/apimdemo-environment", "APIOps: 21 APIs, 10 fragments, language models, a SOAP API"),
    Repository("dcucereavii-ms/apiops_v5.1.4", "APIOps 5: links in lists, self-hosted gateways, version sets"),
    Repository("nicolehaugen/APIMAIOpsDemo", "APIOps: two definitions for one API, many tags"),
    Repository("mitulashah/demo-integrationsvcs", "APIOps: a converted SOAP service, Logic Apps, GraphQL"),
    Repository("huntleyh/apiops-poc", "APIOps: links of two versions side by side, overrides for two environments"),
    Repository("icefire2000/APIM-APIOPS", "APIOps: a current revision that is written twice"),
    Repository("haithamshahin333/apiops-example-v6", "APIOps 6: a pool of Azure OpenAI"),
    Repository("ValentinGarciaIriart/API_Management", "APIOps: another folder name, one API"),
    Repository("mohamedsaif/apiops", "APIOps: definitions that are not YAML"),
    Repository("rmontesdeoca81/APIOpsWkhp", "APIOps: versions of one API, a workshop"),
    Repository("verlindb/visug-apim-demo", "APIOps: function apps behind backends"),
    Repository("pagopa/pagopa-infra", "Terraform: a domain with templates of policies", "src/domains/aca-app"),
    Repository("pagopa/arc-infra", "Terraform: the service itself", "src/04_core"),
    Repository("Azure-Samples/AI-Gateway", "Bicep: a lab", "labs/backend-pool-load-balancing/main.bicep"),
    Repository(
        "Azure-Samples/remote-mcp-apim-functions-python",
        "Bicep: OAuth in policies",
        "infra/app/apim-oauth/oauth.bicep",
    ),
    Repository(
        "yuriy-butkevych/dapr-sample",
        "Bicep: Dapr behind APIM",
        "Fabillio.Infrastructure/api-management.bicep",
    ),
    Repository(
        "Azure/apim-landing-zone-accelerator",
        "Bicep: policies by loadTextContent",
        "scenarios/workload-genai/bicep/apim-policies",
    ),
    Repository(
        "tomkerkhove/microservices-with-azure-api-management",
        "ARM: parameters, nested templates",
        "deploy/arm/api-management/load-balancer.json",
    ),
)
