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
    Repository("0GiS0/az-apim-terraform-devops", "Terraform: APIs, products and policies in one module"),
    Repository("pagopa/pagopa-infra", "Terraform: 984 files, templates of policies, modules of a registry"),
    Repository("Azure/apim-landing-zone-accelerator", "Terraform and Bicep: policies by loadTextContent"),
    Repository(
        "Azure-Samples/ai-hub-gateway-solution-accelerator", "Bicep: modules, pools, fragments", "infra/main.bicep"
    ),
    Repository("Azure-Samples/remote-mcp-apim-functions-python", "Bicep: OAuth in policies"),
    Repository("ronaldbosma/azure-integration-services-quickstart", "Bicep: user-defined types, Logic Apps behind it"),
    Repository("yuriy-butkevych/dapr-sample", "Bicep: Dapr behind APIM"),
    Repository("IATI/apim-iati-gateway", "ARM: an exported template of 19,700 lines with its parameters"),
    Repository(
        "Azure/azure-api-management-devops-resource-kit",
        "ARM: linked templates as the Resource Kit writes them",
        "example",
    ),
    Repository(
        "tomkerkhove/microservices-with-azure-api-management",
        "ARM: parameters, nested templates",
        "deploy/arm/monolith/armdeploy.json",
    ),
    Repository(
        "Azure-Samples/AI-Gateway", "ARM: compiled from Bicep, modules and all", "labs/azure-ml-models/main.json"
    ),
)
