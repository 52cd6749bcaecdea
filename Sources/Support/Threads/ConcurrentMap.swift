import Synchronization

/// What `transform` makes of each element, in their order, made on all cores (`perform`).
///
/// - Throws: the error of the first element that has one.
public func concurrentMap<
  Elements: RandomAccessCollection & Sendable, Result: Sendable, Failure: Error
>(
  _ elements: Elements, _ transform: @Sendable (Elements.Element) throws(Failure) -> Result
) throws(Failure) -> [Result] where Elements.Element: Sendable {
  let results = Mutex([Swift.Result<Result, Failure>?](repeating: nil, count: elements.count))
  perform(elements.count) { index in
    let element = elements[elements.index(elements.startIndex, offsetBy: index)]
    let result = Swift.Result { () throws(Failure) in try transform(element) }
    results.withLock { $0[index] = result }
  }
  var values: [Result] = []
  for case let result? in results.withLock({ $0 }) { values.append(try result.get()) }
  return values
}
