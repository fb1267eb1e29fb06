"""Policy documents in APIM's XML, raw quotes included."""
