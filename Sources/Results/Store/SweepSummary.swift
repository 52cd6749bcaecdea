import Device

extension Sweep {
  /// What happens while a sweep runs.
  public enum Event: Sendable {
    /// The disk has `free` bytes, and `models` models like that at `path` take `bytes` each.
    case littleRoom(path: String, bytes: Int, models: Int, free: Int)
    /// Something that the user should know: one line.
    case note(String)
    /// `examples` of so many hold NaN or infinity in any layer of the models a store is made with, and are left
    /// out of all.
    case dropped(examples: [Int], of: Int)
  }

  /// What was there and what was made.
  public struct Summary: Sendable, Hashable, Codable {
    /// Models of the sweep.
    public internal(set) var models = 0
    /// Matrices of a model's minibatch that were there.
    public internal(set) var gramsFound = 0
    /// Those that were made.
    public internal(set) var gramsMade = 0
    /// Products of two models' minibatch that were there.
    public internal(set) var productsFound = 0
    /// Those that were made.
    public internal(set) var productsMade = 0
    /// Seconds spent reading and making matrices.
    public internal(set) var gramSeconds = 0.0
    /// Seconds spent on products.
    public internal(set) var productSeconds = 0.0
    /// Multiplications and additions of products that were made.
    public internal(set) var productFlops = 0.0

    /// Adds what another process of the team did at the same time.
    mutating func add(_ other: Summary) {
      gramsFound += other.gramsFound
      gramsMade += other.gramsMade
      productsFound += other.productsFound
      productsMade += other.productsMade
      gramSeconds = max(gramSeconds, other.gramSeconds)
      productSeconds = max(productSeconds, other.productSeconds)
      productFlops += other.productFlops
    }
  }
}
