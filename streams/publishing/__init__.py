"""From files to Kafka: lines and rows become records, and every record is acknowledged."""
