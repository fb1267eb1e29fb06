"""Policy documents: model, shapes, named values, checks and schema, in XML and in YAML."""
