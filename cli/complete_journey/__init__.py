"""The Complete Journey: a year of a retailer's purchases, read from parquet."""
