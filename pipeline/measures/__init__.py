"""What is counted per agency beyond interactions: rhythm, growth, response, plan, campaigns, aspirations, information, risk.

Every module names its tables in TABLES; all are collected in `pipeline.measures.tables`.
"""
