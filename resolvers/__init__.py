"""GraphQL types, inputs, payloads and field functions: they translate, and nothing else."""
