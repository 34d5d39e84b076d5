"""Files into Kafka: which files, how far each has been sent, and the sending itself."""
