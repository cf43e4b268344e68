"""The Kafka side of the streams: what of Faust is replaced, and what sends."""
