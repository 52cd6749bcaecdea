/// The product of counts, none of them negative; the largest number where it is larger.
public func saturatingProduct(_ factors: Int...) -> Int { saturatingProduct(factors) }

/// The same of a list.
public func saturatingProduct(_ factors: [Int]) -> Int {
  factors.reduce(1) { product, factor in
    let (result, overflows) = product.multipliedReportingOverflow(by: factor)
    return overflows ? .max : result
  }
}

/// The sum of counts of bytes, `Int.max` where it is more.
public func saturatingSum(_ terms: Int...) -> Int {
  terms.reduce(0) { sum, term in
    let (result, overflows) = sum.addingReportingOverflow(term)
    return overflows ? .max : result
  }
}
