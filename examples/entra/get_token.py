"""Print an access token for the API, got with a client secret: ``python examples/entra/get_token.py``. Needs msal."""

import os

import msal

AUTHORITY = os.environ.get("AUTHORITY", "https://login.microsoftonline.com")

client = msal.ConfidentialClientApplication(
    client_id=os.environ["CLIENT_ID"],
    client_credential=os.environ["CLIENT_SECRET"],
    authority=f"{AUTHORITY}/{os.environ['TENANT_ID']}",
    instance_discovery="AUTHORITY" not in os.environ,  # only Microsoft's own clouds can be discovered
)
answer = client.acquire_token_for_client(scopes=[f"api://{os.environ['API_ID']}/.default"])
print(answer.get("access_token") or f"{answer['error']}: {answer['error_description']}")
