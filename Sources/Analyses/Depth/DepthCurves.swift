/// The mean similarity of the networks of two architectures at equal relative depth, for each pair of architectures.
public struct DepthCurves: Sendable, Hashable {
  /// The similarity of two architectures, or of the networks of one.
  public struct Curve: Sendable, Hashable {
    /// The architecture whose name is first in the order of names.
    public let left: String
    /// The other, or the same.
    public let right: String
    private var sums = depths.map { _ in 0.0 }
    private var counts = depths.map { _ in 0.0 }

    fileprivate init(_ left: String, _ right: String, of similarity: DepthSimilarity) {
      (self.left, self.right) = (left, right)
      add(similarity)
    }

    fileprivate mutating func add(_ similarity: DepthSimilarity) {
      for (place, depth) in depths.enumerated() {
        let value = similarity.value(at: depth)
        guard !value.isNaN else { continue }
        sums[place] += value
        counts[place] += 1
      }
    }

    /// The means over pairs of networks at `depths`; NaN where none has a value.
    public var means: [Double] { zip(sums, counts).map { $0 / $1 } }
  }

  /// Where the curves have their values: at every twentieth of the depth.
  public static let depths = (0...20).map { Double($0) / 20 }

  /// In the order of their first pairs of networks.
  public private(set) var curves: [Curve] = []

  /// Of no network yet.
  public init() {}

  /// Adds two networks. Networks of a single layer, which stands at no depth, have no curve.
  ///
  /// - Parameters:
  ///   - similarity: of the two networks.
  ///   - architectures: of the two, in any order.
  public mutating func add(
    _ similarity: DepthSimilarity, of architectures: (String, String)
  ) {
    guard similarity.values.count > 1 else { return }
    let left = min(architectures.0, architectures.1)
    let right = max(architectures.0, architectures.1)
    guard let index = curves.firstIndex(where: { $0.left == left && $0.right == right }) else {
      curves.append(Curve(left, right, of: similarity))
      return
    }
    curves[index].add(similarity)
  }
}
