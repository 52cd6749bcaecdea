import ActivationFiles
import Activations
import ArgumentParser
import Inputs
import Support

extension LayerShape.Layout: ExpressibleByArgument {}

/// Which layers are compared, and as what.
struct LayerOptions: ParsableArguments {
  enum Pool: String, ExpressibleByArgument, CaseIterable { case flatten, mean }

  @Option(
    help: ArgumentHelp(
      "Only layers whose names match this shell pattern; may be repeated.", valueName: "glob"))
  var layers: [String] = []

  @Option(
    help: ArgumentHelp(
      "No layers whose names match this shell pattern; may be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: """
      flatten, or the mean over the positions of a map: of C×H×W or C×L over all axes but the first, of \
      H×W×C or tokens×D over all but the last, as --layout says.
      """)
  var pool = Pool.flatten

  @Option(
    help: """
      Which axis of a map holds its channels (see cka inspect): needed by --pool mean where layers.json does \
      not say it.
      """)
  var layout: LayerShape.Layout?

  func validate() throws {
    guard layout == nil || pool == .mean else {
      throw ValidationError("--layout belongs to --pool mean.")
    }
  }

  /// What the options say.
  var selection: ModelSelection {
    ModelSelection(exclude: exclude, takesMean: pool == .mean, layout: layout)
  }

  /// All patterns of layers' names.
  var patterns: [String] { layers + exclude }
}
