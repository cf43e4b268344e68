"""What is true: graph, fan-out, timelines, conversations as pure rules over ports; the API."""
