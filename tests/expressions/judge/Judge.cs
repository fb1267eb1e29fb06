// What .NET says of C# expressions: compiles each with Roslyn, runs it under the invariant culture, and writes its verdict.
//
// Judge <framework directory> <directory of Newtonsoft.Json.dll> <expressions: JSON array> <verdicts: JSON array>
//
// A verdict is "type text", "null", "!Exception | message", "load CSnnnn message" for what does not compile, or "timeout".
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

public static class Judge
{
    const int TimeoutMs = 8000;
    const int StackBytes = 16 * 1024 * 1024;

    // What policy expressions may name without their namespaces.
    static readonly string Usings = string.Concat(new[] {
        "System", "System.Collections.Generic", "System.Linq", "System.IO", "System.Text", "System.Text.RegularExpressions",
        "System.Net", "System.Web", "System.Xml.Linq", "System.Security.Cryptography",
        "System.Security.Cryptography.X509Certificates", "System.Globalization", "Newtonsoft.Json", "Newtonsoft.Json.Linq",
    }.Select(name => "using " + name + "; ")) + "\n";

    static readonly Dictionary<Type, string> Keywords = new Dictionary<Type, string> {
        { typeof(int), "int" }, { typeof(long), "long" }, { typeof(string), "string" }, { typeof(bool), "bool" },
        { typeof(double), "double" }, { typeof(float), "float" }, { typeof(decimal), "decimal" }, { typeof(char), "char" },
        { typeof(byte), "byte" }, { typeof(sbyte), "sbyte" }, { typeof(short), "short" }, { typeof(ushort), "ushort" },
        { typeof(uint), "uint" }, { typeof(ulong), "ulong" }, { typeof(object), "object" },
    };

    public static int Main(string[] arguments)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var references = References(arguments[0], arguments[1]);
        var verdicts = new JArray();
        foreach (var expression in JArray.Parse(File.ReadAllText(arguments[2])))
            verdicts.Add(Verdict((string)expression, verdicts.Count, references));
        // Escaped, because UTF-8 has no form for half of a surrogate pair, which an expression may give.
        var escaped = new JsonSerializerSettings { StringEscapeHandling = StringEscapeHandling.EscapeNonAscii };
        File.WriteAllText(arguments[3], JsonConvert.SerializeObject(verdicts, escaped));
        return 0;
    }

    static List<MetadataReference> References(string framework, string libraries)
    {
        var found = new List<MetadataReference>();
        foreach (var file in Directory.GetFiles(framework, "*.dll"))
        {
            try { AssemblyName.GetAssemblyName(file); }
            catch (BadImageFormatException) { continue; }
            found.Add(MetadataReference.CreateFromFile(file));
        }
        found.Add(MetadataReference.CreateFromFile(Path.Combine(libraries, "Newtonsoft.Json.dll")));
        return found;
    }

    static string Verdict(string source, int number, List<MetadataReference> references)
    {
        var body = source.StartsWith("{") ? source : "{ return (\n" + source + "\n); }";
        var tree = CSharpSyntaxTree.ParseText(Usings + "public static class C { public static object F() " + body + " }");
        var options = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
            .WithOptimizationLevel(OptimizationLevel.Release);
        var compilation = CSharpCompilation.Create("c" + number, new[] { tree }, references, options);
        using (var image = new MemoryStream())
        {
            var result = compilation.Emit(image);
            if (result.Success) return Run(Assembly.Load(image.ToArray()));
            var error = result.Diagnostics.First(each => each.Severity == DiagnosticSeverity.Error);
            return "load " + error.Id + " " + error.GetMessage();
        }
    }

    static string Run(Assembly assembly)
    {
        string verdict = null;
        var thread = new Thread(() => verdict = Called(assembly), StackBytes) { IsBackground = true };
        thread.Start();
        return thread.Join(TimeoutMs) ? verdict : "timeout";
    }

    static string Called(Assembly assembly)
    {
        try { return Shown(assembly.GetType("C").GetMethod("F").Invoke(null, null)); }
        catch (TargetInvocationException error) { return Thrown(error.InnerException); }
        catch (Exception error) { return Thrown(error); }
    }

    static string Thrown(Exception error)
    {
        return "!" + error.GetType().Name + " | " + error.Message;
    }

    static string Shown(object value)
    {
        if (value == null) return "null";
        var formattable = value as IFormattable;
        var text = formattable == null ? value.ToString() : formattable.ToString(null, CultureInfo.InvariantCulture);
        return Name(value.GetType()) + " " + text;
    }

    static string Name(Type type)
    {
        string keyword;
        if (Keywords.TryGetValue(type, out keyword)) return keyword;
        if (type.IsArray) return Name(type.GetElementType()) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        if (!type.IsGenericType) return type.Name;
        return type.Name.Split('`')[0] + "<" + string.Join(", ", type.GetGenericArguments().Select(Name)) + ">";
    }
}
