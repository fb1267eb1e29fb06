"""Policy documents in APIM's XML, raw quotes and all."""
