import CKA
import Device

/// Why a layer has no values; nil if it has, or if no layer can have any.
package func reason(_ status: Status, _ sigma: Double?, _ kernel: GramKernel) -> String? {
  switch status {
  case .ok, .tooFewExamples: nil
  case .constant: "constant: every example has the same activations"
  case .nonFinite:
    switch kernel {
    case .rbf(.medianMultiple(let multiple)) where sigma == 0 || sigma == .infinity,
      .rbf(.sampledMedianMultiple(let multiple, examples: _))
    where sigma == 0 || sigma == .infinity:
      multiple == 1
        ? "non-finite: the median distance is zero, and with it RBF's bandwidth"
        : "non-finite: the median distance times --bandwidth \(multiple) is zero or infinite"
    case .rbf(.sigma(let given)) where sigma == 0 || sigma == .infinity:
      "non-finite: --sigma \(given) is far too small or too large for the distances between its "
        + "examples"
    default: "non-finite: it contains NaN or infinity"
    }
  case .degenerate: "degenerate: components of equal variance cannot be ordered"
  case .lowPrecision:
    "low-precision: after centering its Gram matrix is as small as the rounding errors"
  }
}
