"""How the cost of an answer grows with what a gateway has: workers, APIs, operations, policies, clients, tokens …"""
