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
      "Use only layers whose names match this shell pattern (repeatable).", valueName: "glob"))
  var layers: [String] = []

  @Option(
    help: ArgumentHelp(
      "Leave out layers whose names match this shell pattern (repeatable).", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: """
      flatten: every position of a map is a feature. mean: average over positions and keep the \
      channels of C×H×W, C×L, H×W×C or tokens×D, as --layout says.
      """)
  var pool = Pool.flatten

  @Option(
    help: """
      Position of the channel axis of maps (see cka inspect); needed by --pool mean unless \
      layers.json gives it.
      """)
  var layout: LayerShape.Layout?

  func validate() throws {
    guard layout == nil || pool == .mean else {
      throw ValidationError("--layout needs --pool mean.")
    }
  }

  /// What the options say.
  var selection: ModelSelection {
    ModelSelection(exclude: exclude, takesMean: pool == .mean, layout: layout)
  }

  /// All patterns of layers' names.
  var patterns: [String] { layers + exclude }
}
