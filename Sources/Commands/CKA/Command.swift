import ArgumentParser
import CommandSupport
import Support

/// The command `cka`: arguments in, library calls, text out.
@main
struct CKACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cka",
    abstract: "Compares the representations of neural networks with Centered Kernel Alignment.",
    discussion: """
      A MODEL is a .npy, .npz, .safetensors or HDF5 file of activations (examples × features), a \
      folder of .npy files (one per layer), or a folder of .npz, .safetensors or HDF5 files \
      (shards of the examples). The format is detected from the content, not the file name.

      Exit codes: 0 success, 64 usage, 65 unusable data, 66 no input, 69 no such device, 70 a \
      check failed, 73 cannot write, 74 read or write error.
      """,
    version: toolVersion,
    subcommands: [
      CompareCommand.self, ConvergeCommand.self, ComponentsCommand.self, BlocksCommand.self,
      TrustCommand.self, ProbeCommand.self, SweepCommand.self, MergeCommand.self,
      ErrorsCommand.self,
      InspectCommand.self, DevicesCommand.self, VerifyCommand.self, PlotCommand.self,
    ])

  static func main() {
    ProcessSetup.prepare()
    suggestCommand(for: Array(CommandLine.arguments.dropFirst()))
    main(nil)
  }

  /// Ends with a suggestion where the command is misspelled; the parser has some for options only.
  private static func suggestCommand(for words: [String]) {
    let words = words.first == "help" ? words.dropFirst() : words[...]
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let word = words.first, !word.hasPrefix("-"), word != "help", !names.contains(word),
      let name = suggestion(for: word, among: names)
    else { return }
    exit(
      withError: ValidationError(
        "Unknown command '\(oneLine(word))'. Did you mean '\(name)'?"))
  }
}
