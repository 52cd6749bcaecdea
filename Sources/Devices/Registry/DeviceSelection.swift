/// Which device the user asked for: `auto`, `cpu`, `opencl`, `opencl:INDEX` or `opencl:all`.
public enum DeviceSelection: Sendable, Hashable, CustomStringConvertible {
  /// The first OpenCL GPU that passes its self-test, else the CPU.
  case automatic
  /// The CPU through BLAS.
  case cpu
  /// The OpenCL device of this index; nil for the first GPU, or else the first device.
  case openCL(Int?)
  /// All OpenCL GPUs, or all OpenCL devices where there is no GPU: they share the minibatches.
  case allOpenCL

  /// Reads `auto`, `cpu`, `opencl`, `opencl:INDEX` or `opencl:all`; nil for anything else.
  public init?(_ text: String) {
    switch text {
    case "auto": self = .automatic
    case "cpu": self = .cpu
    case "opencl": self = .openCL(nil)
    case "opencl:all": self = .allOpenCL
    default:
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "opencl", let index = Int(parts[1]), index >= 0,
        String(index) == parts[1]
      else { return nil }
      self = .openCL(index)
    }
  }

  /// What `init(_:)` reads.
  public var description: String {
    switch self {
    case .automatic: "auto"
    case .cpu: "cpu"
    case .openCL(let index): index.map { "opencl:\($0)" } ?? "opencl"
    case .allOpenCL: "opencl:all"
    }
  }
}
