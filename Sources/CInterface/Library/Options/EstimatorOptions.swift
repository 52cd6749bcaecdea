import CKA
import Device
import Support

/// How CKA is estimated.
struct EstimatorOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case estimator
    case batchSize = "batch_size"
    case passes, order, ragged
  }

  private enum Order: String, CaseIterable { case shuffled, stored }

  var estimator: String?
  var batchSize: Int?
  var passes: Int?
  var order: String?
  var ragged: String?

  var name: Estimator.Name {
    get throws(Failure) { try choice(estimator, "estimator", or: .minibatch) }
  }

  /// Whether minibatches follow the stored order of the examples.
  var isStoredOrder: Bool {
    get throws(Failure) { try choice(order, "order", or: Order.shuffled) == .stored }
  }

  var raggedValue: Estimator.Ragged {
    get throws(Failure) { try choice(ragged, "ragged", or: .drop) }
  }

  /// - Parameter seed: of the shuffled order, where it is given.
  func value(seed: UInt64?) throws(Failure) -> Estimator {
    let (name, ragged, isStored) = try (name, raggedValue, isStoredOrder)
    if name != .minibatch {
      let given = [
        ("batch_size", batchSize != nil), ("passes", passes != nil), ("order", order != nil),
        ("ragged", self.ragged != nil),
      ]
      if let (key, _) = given.first(where: \.1) {
        throw Failure(
          .usage, "options: \(key) needs the estimator minibatch; \(name) uses all examples")
      }
    }
    return Estimator(
      name,
      .init(
        size: batchSize, passes: passes ?? 1,
        order: isStored ? .stored : .shuffled(seed: seed ?? 0),
        ragged: ragged))
  }
}

/// What fills the Gram matrices.
struct KernelOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable { case kernel, bandwidth, sigma }

  var kernel: String?
  var bandwidth: Double?
  var sigma: Double?

  var name: GramKernel.Name {
    get throws(Failure) {
      let name = try choice(kernel, "kernel", or: GramKernel.Name.linear)
      for (key, value) in [("bandwidth", bandwidth), ("sigma", sigma)] {
        guard let value else { continue }
        guard name == .rbf else { throw Failure(.usage, "options: \(key) needs the kernel rbf") }
        guard value > 0, value.isFinite else {
          throw Failure(.usage, "options: \(key) is \(value); it must be positive and finite")
        }
      }
      guard bandwidth == nil || sigma == nil else {
        throw Failure(.usage, "options: bandwidth and sigma cannot be combined")
      }
      return name
    }
  }

  var value: GramKernel {
    get throws(Failure) { GramKernel(try name, bandwidth: bandwidth, sigma: sigma) }
  }
}
