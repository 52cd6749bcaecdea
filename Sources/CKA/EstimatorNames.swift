import Device

extension Estimator {
  /// What estimators are called, in options, stores and results.
  public enum Name: String, Codable, Sendable, CaseIterable {
    /// See the estimators.
    case minibatch, unbiased, biased
  }

  /// The estimator of a name.
  ///
  /// - Parameter minibatches: of `minibatch`; the others do not ask.
  package init(_ name: Name, _ minibatches: @autoclosure () -> Minibatches) {
    self =
      switch name {
      case .minibatch: .minibatch(minibatches())
      case .unbiased: .unbiased
      case .biased: .biased
      }
  }
}

extension GramKernel {
  /// What kernels are called, in options and stores.
  public enum Name: String, Codable, Sendable, CaseIterable {
    /// See the kernels.
    case linear, rbf
  }

  /// The kernel of a name.
  ///
  /// - Parameters:
  ///   - bandwidth: RBF's σ as a multiple of the root of the median squared distance; 1 where neither is given.
  ///   - sigma: σ itself, in its place.
  package init(_ name: Name, bandwidth: Double?, sigma: Double?) {
    self =
      switch (name, sigma) {
      case (.linear, _): .linear
      case (.rbf, let sigma?): .rbf(.sigma(sigma))
      case (.rbf, nil): .rbf(.medianMultiple(bandwidth ?? 1))
      }
  }
}
