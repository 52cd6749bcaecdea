import Foundation
import TestSupport
import Testing

/// What people see before they have a result: lists of layers, suggestions, completion, the manual page.
struct HelpTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  /// Runs a program other than `cka`.
  private func run(_ program: String, _ arguments: String...) throws -> Run {
    var other = cka
    other.program = program
    return try other.run(arguments)
  }

  // MARK: inspect

  private struct Inspection: Decodable {
    struct Layer: Decodable {
      var name: String
      var shape: [Int]
      var features: Int
      var scalarType: String
      var memoryOrder: String
      var isByteSwapped: Bool
      var bytes: Int
      var layout: String?
      var pooledFeatures: [String: Int]
    }
    var format: String
    var name: String
    var examples: Int
    var exampleIDs: [String]?
    var layers: [Layer]
  }

  @Test func inspectWritesJSON() throws {
    let values = Activations64.normal(n: 3, p: 24, seed: 3).values
    try cka.folder.write(NPYFile.bytes(values, shape: [3, 2, 3, 4]), to: "m/b.npy")
    try cka.folder.write(NPYFile.bytes(values, shape: [3, 24], type: .float64), to: "m/a.npy")
    try cka.folder.write(#"{"examples": ["x", "y", "z"]}"#, to: "m/layers.json")
    let run = try cka("inspect", "m", "--json")
    run.expectSuccess()
    let found = try JSONDecoder().decode(Inspection.self, from: Data(run.output.utf8))
    #expect(found.format == "cka-inspect/1" && found.name == "m" && found.examples == 3)
    #expect(found.exampleIDs == ["x", "y", "z"])
    #expect(found.layers.map(\.name) == ["a", "b"])
    #expect(found.layers.map(\.shape) == [[3, 24], [3, 2, 3, 4]])
    #expect(found.layers.map(\.features) == [24, 24])
    #expect(found.layers.map(\.scalarType) == ["float64", "float32"])
    #expect(found.layers.map(\.bytes) == [576, 288])
    #expect(found.layers[0].pooledFeatures == ["channels-first": 24, "channels-last": 24])
    #expect(found.layers[1].pooledFeatures == ["channels-first": 2, "channels-last": 4])
  }

  /// What `--pool mean` will do stands in the table, also where the model's files have decided it.
  @Test func inspectSaysWhatPoolingKeeps() throws {
    let values = Activations64.normal(n: 3, p: 24, seed: 3).values
    try cka.folder.write(NPYFile.bytes(values, shape: [3, 2, 3, 4]), to: "m/a.npy")
    try cka.folder.write(NPYFile.bytes(values, shape: [3, 2, 12]), to: "m/b.npy")
    let layers = #"{"name": "a"}, {"name": "b", "layout": "channels-last"}"#
    try cka.folder.write(#"{"layers": [\#(layers)]}"#, to: "m/layers.json")
    let run = try cka("inspect", "m")
    run.expectSuccess()
    let rows = lines(run.output)
    #expect(rows[0].hasSuffix("channels-first  channels-last"), "\(run.output)")
    #expect(rows[1].contains(#/ 2 +4$/#) && rows[2].contains(#/ – +12$/#), "\(run.output)")
    #expect(rows[3].contains("--pool mean"))
  }

  // MARK: Suggestions

  @Test(arguments: [
    ("compar", "compare"), ("convrege", "converge"), ("component", "components"),
    ("swep", "sweep"), ("Inspect", "inspect"), ("probes", "probe"),
  ])
  func aMisspelledCommandIsGuessed(word: String, name: String) throws {
    for words in [[word, "m.npz"], ["help", word]] {
      let run = try cka.run(words)
      #expect(run.code == 64 && run.output.isEmpty)
      #expect(
        run.errors.hasPrefix("Error: Unknown command '\(word)'. Did you mean '\(name)'?\n"),
        "\(run.errors)")
    }
  }

  @Test func nothingIsGuessedFromAnotherWord() throws {
    let run = try cka("nonsense")
    #expect(run.code == 64 && !run.errors.contains("Did you mean"), "\(run.errors)")
    let option = try cka("compare", "m.npz", "--batchsize", "8")
    #expect(option.code == 64 && option.errors.contains("Did you mean '--batch-size'?"))
  }

  // MARK: Completion

  /// What bash offers after `line`, with the generated script sourced.
  private func bashOffers(_ line: String) throws -> [String] {
    let script = """
      source ./completion.bash
      line=$1
      read -ra COMP_WORDS <<<"$line"
      [[ $line == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
      function_name=$(complete -p cka | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      "$function_name" cka "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let run = try run("/bin/bash", "-c", script, "bash", line)
    #expect(run.code == 0, "\(run.errors)")
    return lines(run.output).filter { !$0.isEmpty }
  }

  @Test func bashCompletesFilesForModels() throws {
    let script = try cka("--generate-completion-script", "bash")
    script.expectSuccess()
    try cka.folder.write(script.output, to: "completion.bash")
    for name in ["acts.npz", "acts-folder/layer.npy", "other.npz"] {
      try cka.folder.write(TestModel(layers: 1).npz, to: name)
    }
    let both = ["acts-folder", "acts.npz"]
    for line in [
      "cka compare ac", "cka compare other.npz ac", "cka converge ac", "cka components ac",
      "cka trust ac", "cka probe ac", "cka sweep other.npz ac", "cka merge ac", "cka blocks ac",
      "cka inspect ac", "cka plot ac", "cka probe m.npz --labels ac", "cka plot x --output ac",
      "cka errors --labels ac", "cka errors --class-names ac", "cka errors --hierarchy ac",
      "cka sweep x --models-csv ac",
    ] {
      #expect(try bashOffers(line).sorted() == both, "\(line)")
    }
    for line in ["cka compare m.npz --output ac", "cka sweep m.npz --output ac"] {
      #expect(try bashOffers(line) == ["acts-folder"], "\(line)")
    }
    #expect(
      try bashOffers("cka compare m.npz --estimator ").sorted() == [
        "biased", "minibatch", "unbiased",
      ])
    #expect(try bashOffers("cka comp").sorted() == ["compare", "components"])
  }

  @Test(arguments: ["zsh", "fish"]) func otherShellsCompleteFilesToo(shell: String) throws {
    let script = try cka("--generate-completion-script", shell)
    script.expectSuccess()
    let files = shell == "zsh" ? ":model:_files" : "-F"
    #expect(script.output.contains(files), "\(shell)")
  }

  // MARK: Manual page

  /// The page is made of the command's help: every command and every option stands in it.
  @Test func theManualPageHoldsEveryOption() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    try run(
      "/usr/bin/env", "python3", root.appendingPathComponent("Scripts/make-manual.py").path,
      Cka.path, "cka.1"
    ).expectSuccess()
    let page = String(decoding: try cka.bytes("cka.1"), as: UTF8.self)
    #expect(page.hasPrefix(".TH CKA 1 "))
    // What a command does not go without was left out of its first line.
    for line in [
      "cka sweep <models> ... --output <dir> [options]",
      "cka probe <model> --labels <y.npy> [options]",
      "cka errors --group <name=paths> ... --labels <file> [options]",
      "cka compare <model> [<model2>] [options]",
    ] {
      #expect(page.replacingOccurrences(of: "\\-", with: "-").contains(".B \(line)\n"), "\(line)")
    }
    let help = try cka("--help").output
    let commands = lines(help).drop { $0 != "SUBCOMMANDS:" }.compactMap { line in
      line.firstMatch(of: #/^ {2}([a-z]+)/#).map { String($0.1) }
    }
    #expect(commands.contains("compare") && commands.count >= 12)
    for command in commands {
      let part = try #require(page.components(separatedBy: ".SS cka \(command)").dropFirst().first)
        .components(separatedBy: "\n.SS ")[0].replacingOccurrences(of: "\\-", with: "-")
      for option in try cka(command, "--help").output.matches(
        of: #/(?m)^ {2}(?:-. *, *)?(--[a-z0-9-]+)/#)
      {
        #expect(part.contains(option.1), "\(command) \(option.1)")
      }
    }
  }
}
