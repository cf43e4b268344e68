"""What is true: graph, fan-out, timelines and conversations as pure rules over ports, and the HTTP API."""
