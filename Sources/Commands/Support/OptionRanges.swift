import ArgumentParser

/// Rejects a value of `option` outside of `range`; nil is no value.
public func checkRange<Value>(
  _ option: String, _ value: Value?, _ range: ClosedRange<Value>
) throws {
  guard let value, !range.contains(value) else { return }
  throw ValidationError(
    "\(option) is \(value); it must be between \(range.lowerBound) and \(range.upperBound).")
}

/// The same of a range without an upper bound.
public func checkRange<Value>(
  _ option: String, _ value: Value?, _ range: PartialRangeFrom<Value>
) throws {
  guard let value, !range.contains(value) else { return }
  throw ValidationError("\(option) is \(value); it must be at least \(range.lowerBound).")
}
