import Device

extension Estimator {
  /// What estimators are called, in options, stores and results.
  public enum Name: String, Codable, Sendable, CaseIterable {
    /// See the estimators.
    case minibatch, unbiased, biased
  }
}

extension GramKernel {
  /// What kernels are called, in options and stores.
  public enum Name: String, Codable, Sendable, CaseIterable {
    /// See the kernels.
    case linear, rbf
  }
}
