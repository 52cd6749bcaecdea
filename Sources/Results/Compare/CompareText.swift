import Support

extension ResultDocument {
  /// What was compared, in one line.
  package var summary: String {
    let counts = models.map { String($0.layers.count) }
    let layers = "\(counts[0]) × \(counts.last ?? counts[0]) layers"
    let method = "\(estimator.name) CKA, \(kernel.name)"
    let workers = ([device] + (sharingDevices ?? [])).map(\.id).joined(separator: ", ")
    return "\(layers), \(Format.count(examples.used)) examples, \(method), on \(workers) in "
      + Format.seconds(timings?.total ?? 0)
  }
}
