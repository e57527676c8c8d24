"""The member API: what the mini-program and the H5 mall call."""
