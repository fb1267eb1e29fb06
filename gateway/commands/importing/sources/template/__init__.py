"""
The language that ARM templates and Bicep share: expressions, their functions, and the resources they describe.

    text ─► arm/expressions, bicep/tree ─► syntax.TemplateExpression ─► evaluate(frame) ─► YamlNode

The values of expressions are YamlNodes: a text remembers where it was written, also after it went through parameters
and variables. What only a deployment knows is `Unresolved`, and everything around it is still evaluated.
"""
