"""Terraform: plans, states and HCL to resources of CloudFormation's types."""
