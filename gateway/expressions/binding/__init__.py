"""The compiler: a C# syntax tree becomes Python closures over the allowed types, one file per kind of construct."""
