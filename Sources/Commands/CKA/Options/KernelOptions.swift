import ArgumentParser
import CKA
import Device

extension GramKernel.Name: ExpressibleByArgument {}

/// The kernel function of the Gram matrices.
struct KernelOptions: ParsableArguments {
  /// Examples that `--median sample` takes the median of.
  private static let sampleSize = 1024

  @Option(help: "Kernel function of two examples.")
  var kernel = GramKernel.Name.linear

  @Option(
    help: ArgumentHelp(
      "σ of the RBF kernel as a multiple T of the root of the median squared distance (default: 1).",
      valueName: "T"))
  var bandwidth: Double?

  @Option(help: ArgumentHelp("σ of the RBF kernel, in units of the activations.", valueName: "S"))
  var sigma: Double?

  func validate() throws {
    if bandwidth != nil, sigma != nil {
      throw ValidationError("--bandwidth and --sigma cannot be combined.")
    }
    if kernel == .linear, bandwidth != nil || sigma != nil {
      throw ValidationError("--bandwidth and --sigma need --kernel rbf.")
    }
    for (name, value) in [("--bandwidth", bandwidth), ("--sigma", sigma)] {
      if let value, !(value > 0 && value.isFinite) {
        throw ValidationError("\(name) is \(value); it must be positive and finite.")
      }
    }
  }

  /// The kernel of the library; its median, where it has one, of a sample of the examples or of all.
  func value(isSampled: Bool = false) -> GramKernel {
    let value = GramKernel(kernel, bandwidth: bandwidth, sigma: sigma)
    guard isSampled, case .rbf(.medianMultiple(let multiple)) = value else { return value }
    return .rbf(.sampledMedianMultiple(multiple, examples: Self.sampleSize))
  }
}
