"""What runs Mingle on Kubernetes; here, what makes its dashboards and keeps its schemas."""
