"""Manifests that run Mingle on Kubernetes; in Python, its dashboards and schemas."""
