"""Tables and their constraints. `models.tables` names every module that holds one."""
