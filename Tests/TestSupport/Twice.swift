/// Calls `body` as the process is and with 64 MiB more in it.
public func twice<Value>(_ body: () throws -> Value) rethrows -> (Value, Value) {
  let first = try body()
  let ballast = [UInt8](repeating: 1, count: 64 << 20)
  let second = try body()
  precondition(ballast.last == 1)
  return (first, second)
}
