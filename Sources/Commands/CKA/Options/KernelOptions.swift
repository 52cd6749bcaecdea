import ArgumentParser
import CKA
import Device

extension GramKernel.Name: ExpressibleByArgument {}

/// What fills Gram matrices.
struct KernelOptions: ParsableArguments {
  @Option(help: "The function of two examples that fills the Gram matrices.")
  var kernel = GramKernel.Name.linear

  @Option(
    help: ArgumentHelp(
      "RBF's σ as a multiple T of the root of the median squared distance (1 unless given).",
      valueName: "T"))
  var bandwidth: Double?

  @Option(help: ArgumentHelp("RBF's σ itself, in units of the activations.", valueName: "S"))
  var sigma: Double?

  func validate() throws {
    if bandwidth != nil, sigma != nil {
      throw ValidationError("--bandwidth and --sigma exclude each other.")
    }
    if kernel == .linear, bandwidth != nil || sigma != nil {
      throw ValidationError("--bandwidth and --sigma belong to --kernel rbf.")
    }
    for (name, value) in [("--bandwidth", bandwidth), ("--sigma", sigma)] {
      if let value, !(value > 0 && value.isFinite) {
        throw ValidationError("\(name) is \(value): it must be positive and finite.")
      }
    }
  }

  /// The kernel of the library; its median, where it has one, of a sample of the examples or of all.
  func value(isSampled: Bool = false) -> GramKernel {
    switch (kernel, sigma) {
    case (.linear, _): .linear
    case (.rbf, let sigma?): .rbf(.sigma(sigma))
    case (.rbf, nil) where isSampled:
      .rbf(.sampledMedianMultiple(bandwidth ?? 1, examples: PlanOptions.sampleSize))
    case (.rbf, nil): .rbf(.medianMultiple(bandwidth ?? 1))
    }
  }
}
