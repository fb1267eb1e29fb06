// Compiles one C# file with Roslyn where there is no SDK: Mono's compiler makes this program, which needs nothing but .NET
// itself and finds Roslyn by reflection.
//
// Compile <directory of Roslyn> <framework directory> <source> <output>
using System;
using System.Collections;
using System.IO;
using System.Linq;
using System.Reflection;

public static class Compile
{
    public static int Main(string[] arguments)
    {
        var roslyn = Assembly.LoadFrom(Path.Combine(arguments[0], "Microsoft.CodeAnalysis.dll"));
        var csharp = Assembly.LoadFrom(Path.Combine(arguments[0], "Microsoft.CodeAnalysis.CSharp.dll"));
        Func<string, Type> type = name => roslyn.GetType("Microsoft.CodeAnalysis." + name);
        Func<string, Type> sharp = name => csharp.GetType("Microsoft.CodeAnalysis.CSharp." + name);

        var parse = sharp("CSharpSyntaxTree").GetMethods().First(each =>
            each.Name == "ParseText" && each.GetParameters().Length == 5 && each.GetParameters()[0].ParameterType == typeof(string)
            && each.GetParameters()[1].Name == "options");
        var trees = Array.CreateInstance(type("SyntaxTree"), 1);
        trees.SetValue(Call(parse, null, File.ReadAllText(arguments[2])), 0);

        var reference = type("MetadataReference").GetMethods().First(each => each.Name == "CreateFromFile");
        var files = Directory.GetFiles(arguments[1], "*.dll").Where(IsManaged).Concat(Directory.GetFiles(arguments[0], "*.dll"));
        var references = files.Select(file => Call(reference, null, file)).ToArray();
        var referenceArray = Array.CreateInstance(type("MetadataReference"), references.Length);
        Array.Copy(references, referenceArray, references.Length);

        var kind = type("OutputKind");
        var constructor = sharp("CSharpCompilationOptions").GetConstructors().First(each =>
            each.GetParameters().Length >= 20 && each.GetParameters()[0].ParameterType == kind);
        var options = constructor.Invoke(Filled(constructor.GetParameters(), Enum.ToObject(kind, 0)));

        var create = sharp("CSharpCompilation").GetMethods().First(each => each.Name == "Create");
        var assembly = Path.GetFileNameWithoutExtension(arguments[3]);
        var compilation = Call(create, null, assembly, trees, referenceArray, options);
        var emit = compilation.GetType().GetMethods().First(each =>
            each.Name == "Emit" && each.GetParameters().Length >= 8 && each.GetParameters()[0].ParameterType == typeof(Stream));
        var image = new MemoryStream();
        var result = Call(emit, compilation, image);
        if ((bool)result.GetType().GetProperty("Success").GetValue(result, null))
        {
            File.WriteAllBytes(arguments[3], image.ToArray());
            return 0;
        }
        foreach (var each in (IEnumerable)result.GetType().GetProperty("Diagnostics").GetValue(result, null)) Console.Error.WriteLine(each);
        return 1;
    }

    static bool IsManaged(string file)
    {
        try { AssemblyName.GetAssemblyName(file); return true; }
        catch (BadImageFormatException) { return false; }
    }

    static object Call(MethodInfo method, object target, params object[] given)
    {
        return method.Invoke(target, Filled(method.GetParameters(), given));
    }

    // The arguments that are given, and the default of each parameter that is left.
    static object[] Filled(ParameterInfo[] parameters, params object[] given)
    {
        return parameters.Select((each, place) => place < given.Length ? given[place] : Default(each)).ToArray();
    }

    static object Default(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        var value = parameter.HasDefaultValue ? parameter.DefaultValue : null;
        if (value == null) return type.IsValueType ? Activator.CreateInstance(type) : null;
        return type.IsEnum ? Enum.ToObject(type, value) : value;
    }
}
