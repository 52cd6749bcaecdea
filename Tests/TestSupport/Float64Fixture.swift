/// Two layers each, of which float32 leaves too little, and their CKA from mpmath's 60 digits: `float64.py`.
public struct Float64Fixture: Decodable, Sendable {
  /// Two layers of the same examples.
  public struct Case: Decodable, Sendable, CustomStringConvertible {
    /// What is hard about the first.
    public let name: String
    /// The first one's scalar type; the second's is float32.
    public let type: String
    /// RBF's; nil for that of the median.
    public let sigma: Double?
    /// Of the first layer.
    public let features: Int
    /// The first layer's numbers, row by row.
    public let left: [Double]
    /// The second's.
    public let right: [Double]
    /// By estimator and kernel; null where RBF's σ is 0.
    public let cka: [String: Double?]

    /// The name.
    public var description: String { name }
    /// The stated accuracy; a float32 number near 1,000 has few digits left, but the fixture reads it as it is.
    public var tolerance: Double { name.hasPrefix("offset") ? 1e-4 : 1e-5 }
  }

  /// Of every layer.
  public let exampleCount: Int
  /// All of them.
  public let cases: [Case]

  /// Nil where it is gone: a test of its own must say so, as the arguments of all others would be empty.
  public static let shared = try? fixture("float64", as: Float64Fixture.self)
}
