"""What tests stand on: servers, a clean database, the simulator, a GraphQL client."""
