"""YAML and JSON to nodes that keep their place: the one parser for templates, definitions, policies, rules, config."""
