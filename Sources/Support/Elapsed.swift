extension ContinuousClock.Instant {
  /// Seconds from this moment to now.
  package var elapsed: Double { (ContinuousClock.now - self) / .seconds(1) }
}
