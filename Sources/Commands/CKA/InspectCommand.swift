import ActivationFiles
import ArgumentParser
import CommandSupport
import Inputs
import Results
import Support

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Lists the layers of MODEL with shapes, scalar types and sizes.")

  @Argument(help: "The model to list.", completion: .file())
  var model: String

  @Flag(help: "Print JSON (format cka-inspect/1).")
  var json = false

  func run() throws {
    try reportingFailures {
      let contents = try ModelContents(path: model)
      try Console.print(contents.description(asJSON: json), terminator: "")
    }
  }
}
