import ActivationFiles
import Activations
import ArgumentParser
import Inputs
import Support

extension LayerShape.Layout: ExpressibleByArgument {}
extension TokenPooling: ExpressibleByArgument {}

/// Which layers are compared, and as what.
struct LayerOptions: ParsableArguments {
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
      channels of C×H×W, C×L, H×W×C or tokens×D, as --layout says. first, last: one token of \
      tokens×D. tokens: each token is an example.
      """)
  var pool = TokenPooling.flatten

  @Option(
    help: """
      Position of the channel axis of maps and tokens (see cka inspect); needed by --pool unless \
      layers.json or --mask tells it.
      """)
  var layout: LayerShape.Layout?

  @Option(
    help: ArgumentHelp(
      """
      Which tokens count, for --pool: an array of examples × tokens with 1 for tokens and 0 for \
      padding, or the lengths of the examples.
      """, valueName: "file"), completion: .file())
  var mask: String?

  func validate() throws {
    for (name, isGiven) in [("--layout", layout != nil), ("--mask", mask != nil)]
    where isGiven && pool == .flatten {
      throw ValidationError("\(name) needs --pool mean, first, last or tokens.")
    }
  }

  /// What the options say; the file of the mask is read.
  var selection: ModelSelection {
    get throws {
      ModelSelection(
        exclude: exclude, pooling: pool, layout: layout,
        mask: try mask.map { try TokenMask(path: $0) })
    }
  }

  /// All patterns of layers' names.
  var patterns: [String] { layers + exclude }
}
