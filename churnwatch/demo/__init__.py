"""The whole product in one command: embedded services, synthetic operator, every production process."""
