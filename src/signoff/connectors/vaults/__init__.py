"""Outside stores of secrets: environment variables, HashiCorp Vault, AWS Secrets Manager. Read, never written."""
