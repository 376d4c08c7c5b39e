"""What the sandbox knows of its tables: columns, kinds, references, keys.

Kinds: id, int, num, money, bool, date, datetime, text, clob, multi, and ref:<table>.
"""

SQL_TYPES = {"id": "bigint", "int": "bigint", "num": "numeric", "money": "numeric",
             "bool": "text", "date": "timestamp", "datetime": "timestamp",
             "text": "text", "clob": "text", "multi": "text"}


class Column:
    """One column of a SuiteQL table."""

    def __init__(self, name, kind, title=None, custom=False, description=None):
        self.name = name
        self.ref = kind[4:] if kind.startswith("ref:") else None
        self.kind = "ref" if self.ref else kind
        self.title = title or name.replace("_", " ").title()
        self.custom = custom
        self.description = description

    @property
    def sql_type(self):
        # references to tables keyed by text (transaction status, account type) hold text
        if self.kind == "ref":
            return "text" if self.ref in TEXT_KEYED else "bigint"
        return SQL_TYPES[self.kind]

    @property
    def family(self):
        """num, date or text: what the value is to an expression."""
        if self.kind in ("date", "datetime"):
            return "date"
        return "text" if self.sql_type == "text" else "num"


class Table:
    """One SuiteQL table."""

    def __init__(self, name, columns, key=("id",), display="name", records=(), custom=False,
                 title=None):
        self.name = name
        self.columns = {c.name: c for c in columns}
        self.key = key
        self.display = display
        self.records = records      # REST record types that live in this table
        self.custom = custom
        self.title = title or name

    @property
    def relation(self):
        return 'ns."%s"' % self.name


TEXT_KEYED = {"accounttype", "transactionstatus"}


def columns(text):
    """Parse 'name kind, name kind' into columns; cust… names are custom fields."""
    result = []
    for part in text.replace("\n", " ").split(","):
        words = part.split()
        if words:
            name, kind = words
            custom = name.startswith("cust") and "_" in name
            result.append(Column(name, kind, custom=custom))
    return result


TRANSACTION_RECORDS = {
    # record type: code in transaction.type
    "salesOrder": "SalesOrd", "invoice": "CustInvc", "cashSale": "CashSale",
    "customerPayment": "CustPymt", "creditMemo": "CustCred", "purchaseOrder": "PurchOrd",
    "vendorBill": "VendBill", "vendorPayment": "VendPymt", "journalEntry": "Journal",
    "itemFulfillment": "ItemShip", "itemReceipt": "ItemRcpt", "estimate": "Estimate",
    "returnAuthorization": "RtnAuth", "deposit": "Deposit", "vendorCredit": "VendCred",
    "inventoryAdjustment": "InvAdjst", "customerDeposit": "CustDep", "customerRefund": "CustRfnd",
    "cashRefund": "CashRfnd", "depositApplication": "DepAppl", "opportunity": "Opprtnty",
    "purchaseRequisition": "PurchReq", "vendorReturnAuthorization": "VendAuth",
    "vendorPrepayment": "VPrep", "vendorPrepaymentApplication": "VPrepApp", "check": "Check",
    "expenseReport": "ExpRept", "creditCardCharge": "CardChrg", "creditCardRefund": "CardRfnd",
    "inventoryTransfer": "InvTrnfr", "inventoryCount": "InvCount",
    "inventoryCostRevaluation": "InvReval", "transferOrder": "TrnfrOrd",
    "binTransfer": "BinTrnfr", "binWorksheet": "BinWksht", "assemblyBuild": "Build",
    "assemblyUnbuild": "Unbuild", "workOrder": "WorkOrd", "workOrderClose": "WOClose",
    "workOrderCompletion": "WOCompl", "workOrderIssue": "WOIssue", "paycheck": "Paycheck",
    "paycheckJournal": "PChkJrnl",
}
# several kinds of journals share a code: column recordtype tells them apart
JOURNALS = ("intercompanyJournalEntry", "advIntercompanyJournalEntry", "statisticalJournalEntry")
ITEM_RECORDS = {
    # record type: item.itemtype and, where it matters, item.subtype
    "inventoryItem": ("InvtPart", None), "assemblyItem": ("Assembly", None),
    "kitItem": ("Kit", None), "itemGroup": ("Group", None), "discountItem": ("Discount", None),
    "markupItem": ("Markup", None), "paymentItem": ("Payment", None),
    "subtotalItem": ("Subtotal", None), "descriptionItem": ("Description", None),
    "downloadItem": ("DwnLdItem", None), "giftCertificateItem": ("GiftCert", None),
    "shipItem": ("ShipItem", None), "subscriptionPlan": ("SubscriPlan", None),
}
for word, code in (("nonInventory", "NonInvtPart"), ("service", "Service"),
                   ("otherCharge", "OthCharge")):
    for subtype in ("Sale", "Purchase", "Resale"):
        ITEM_RECORDS["%s%sItem" % (word, subtype)] = (code, subtype)


def restriction(record):
    """Which rows of its table a record type has: a condition in SQL."""
    if record in JOURNALS:
        return "type = 'Journal' AND recordtype = '%s'" % record.lower()
    if record in TRANSACTION_RECORDS:
        return "type = '%s'" % TRANSACTION_RECORDS[record]
    code, subtype = ITEM_RECORDS.get(record, (None, None))
    if code is None:
        return "true"
    return "itemtype = '%s'" % code + (" AND subtype = '%s'" % subtype if subtype else "")


TABLES = [
    Table("subsidiary", columns("""id id, name text, fullname text, legalname text,
        parent ref:subsidiary, currency ref:currency, country text, iselimination bool,
        isinactive bool, lastmodifieddate datetime"""), records=("subsidiary",)),
    Table("currency", columns("""id id, name text, symbol text, displaysymbol text,
        currencyprecision int, exchangerate num, isbasecurrency bool, isinactive bool,
        lastmodifieddate datetime"""), records=("currency",)),
    Table("department", columns("""id id, name text, fullname text, parent ref:department,
        subsidiary multi, isinactive bool, lastmodifieddate datetime"""), records=("department",)),
    Table("classification", columns("""id id, name text, fullname text,
        parent ref:classification, isinactive bool, lastmodifieddate datetime"""),
          records=("classification",)),
    Table("location", columns("""id id, name text, fullname text, subsidiary ref:subsidiary,
        makeinventoryavailable bool, latitude num, longitude num, isinactive bool,
        lastmodifieddate datetime"""), records=("location",)),
    Table("accounttype", columns("""id text, longname text, balancesheet bool, internalid int"""),
          display="longname"),
    Table("account", columns("""id id, acctnumber text, accountsearchdisplayname text,
        accountsearchdisplaynamecopy text, fullname text, displaynamewithhierarchy text,
        accttype ref:accounttype, parent ref:account, currency ref:currency, subsidiary multi,
        description text, eliminate bool, issummary bool, isinactive bool,
        lastmodifieddate datetime"""), display="accountsearchdisplayname", records=("account",)),
    Table("accountingperiod", columns("""id id, periodname text, startdate date, enddate date,
        parent ref:accountingperiod, isyear bool, isquarter bool, isadjust bool, closed bool,
        alllocked bool, lastmodifieddate datetime"""), display="periodname",
          records=("accountingPeriod",)),
    Table("accountingbook", columns("""id id, name text, isprimary bool,
        basebook ref:accountingbook, lastmodifieddate datetime"""), records=("accountingBook",)),
    Table("term", columns("""id id, name text, daysuntilnetdue int, discountpercent num,
        isinactive bool, lastmodifieddate datetime"""), records=("term",)),
    Table("pricelevel", columns("""id id, name text, discountpct num, isonline bool,
        isinactive bool, lastmodifieddate datetime"""), records=("priceLevel",)),
    Table("unitstype", columns("""id id, name text, isinactive bool, lastmodifieddate datetime"""),
          records=("unitsType",)),
    Table("employee", columns("""id id, entityid text, firstname text, lastname text, email text,
        title text, hiredate date, birthdate date, supervisor ref:employee,
        department ref:department, location ref:location, subsidiary ref:subsidiary,
        issalesrep bool, isinactive bool, datecreated datetime, lastmodifieddate datetime,
        custentity_badge text"""), display="entityid", records=("employee",)),
    Table("customer", columns("""id id, entityid text, entitytitle text, altname text,
        companyname text, firstname text, lastname text, isperson bool, email text, phone text,
        url text, subsidiary ref:subsidiary, currency ref:currency, terms ref:term,
        pricelevel ref:pricelevel, salesrep ref:employee, parent ref:customer, creditlimit money,
        externalid text, comments clob, isinactive bool, datecreated datetime,
        lastmodifieddate datetime, custentity_segment text, custentity_score num,
        custentity_since date, custentity_regions multi"""), display="entitytitle",
          records=("customer",)),
    Table("vendor", columns("""id id, entityid text, companyname text, email text, phone text,
        subsidiary ref:subsidiary, currency ref:currency, terms ref:term, is1099eligible bool,
        externalid text, isinactive bool, datecreated datetime, lastmodifieddate datetime,
        custentity_rating int"""), display="companyname", records=("vendor",)),
    Table("contact", columns("""id id, entityid text, firstname text, lastname text, email text,
        phone text, company ref:customer, isinactive bool, datecreated datetime,
        lastmodifieddate datetime"""), display="entityid", records=("contact",)),
    Table("job", columns("""id id, entityid text, companyname text, customer ref:customer,
        startdate date, projectedenddate date, isinactive bool, datecreated datetime,
        lastmodifieddate datetime"""), display="entityid", records=("job",)),
    Table("partner", columns("""id id, entityid text, companyname text, isinactive bool,
        datecreated datetime, lastmodifieddate datetime"""), display="entityid",
          records=("partner",)),
    Table("entity", columns("""id id, entityid text, entitytitle text, altname text, type text,
        email text, isperson bool, isinactive bool, datecreated datetime,
        lastmodifieddate datetime"""), display="entitytitle"),
    Table("item", columns("""id id, itemid text, displayname text, fullname text, itemtype text,
        subtype text, description clob, baseprice num, cost num, averagecost num, weight num,
        unitstype ref:unitstype, incomeaccount ref:account, expenseaccount ref:account,
        assetaccount ref:account, parent ref:item, externalid text, isserialitem bool,
        isinactive bool, createddate datetime, lastmodifieddate datetime, custitem_origin text,
        custitem_hscode text, custitem_tags multi"""), display="itemid",
          records=tuple(ITEM_RECORDS)),
    Table("inventoryitemlocations", columns("""item ref:item, location ref:location,
        quantityavailable num, quantityonhand num, quantityonorder num, quantitycommitted num,
        reorderpoint num, averagecostmli num, lastquantityavailablechange datetime"""),
          key=("item", "location"), display="item"),
    Table("transactionstatus", columns("""fullname text, id text, name text, trantype text,
        trancustomtype int"""), key=("fullname",)),
    Table("transaction", columns("""id id, tranid text, transactionnumber text, type text,
        abbrevtype text, recordtype text, trandate date, duedate date, closedate date,
        createddate datetime, lastmodifieddate datetime, createdby ref:employee,
        lastmodifiedby ref:employee, status text, entity ref:entity, currency ref:currency,
        exchangerate num, foreigntotal money, foreignamountpaid money, foreignamountunpaid money,
        estgrossprofit money, postingperiod ref:accountingperiod, posting bool, memo clob,
        externalid text, otherrefnum text, voided bool, void bool, approvalstatus int,
        employee ref:employee, terms ref:term, isreversal bool, billingstatus bool, email text,
        shipdate date, trandisplayname text, source text, nexus int, visibletocustomer bool,
        daysopen int, title text, custbody_region text, custbody_approver ref:employee,
        custbody_score num, custbody_due_at datetime, custbody_tags multi,
        custbody_urgent bool"""), display="trandisplayname", records=tuple(TRANSACTION_RECORDS) + JOURNALS),
    Table("transactionline", columns("""transaction ref:transaction, id int, uniquekey int,
        linesequencenumber int, mainline bool, taxline bool, iscogs bool, item ref:item,
        itemtype text, entity ref:entity, subsidiary ref:subsidiary, department ref:department,
        class ref:classification, location ref:location, quantity num, quantitybilled num,
        quantityshiprecv num, rate num, netamount money, foreignamount money,
        creditforeignamount money, debitforeignamount money, expenseaccount ref:account,
        memo text, createdfrom ref:transaction, isclosed bool, isbillable bool,
        isfullyshipped bool, linecreateddate datetime, linelastmodifieddate datetime,
        custcol_batch text, custcol_weight num"""), key=("transaction", "id"), display="memo"),
    Table("transactionaccountingline", columns("""transaction ref:transaction,
        transactionline int, accountingbook ref:accountingbook, account ref:account,
        accounttype ref:accounttype, amount money, debit money, credit money, netamount money,
        amountunpaid money, amountpaid money, exchangerate num, posting bool,
        processedbyrevcommit bool, lastmodifieddate datetime"""),
          key=("transaction", "transactionline", "accountingbook"), display="account"),
    Table("nexttransactionlinelink", columns("""previousdoc ref:transaction, previousline int,
        previoustype text, nextdoc ref:transaction, nextline int, nexttype text, linktype text,
        foreignamount money, lastmodifieddate datetime"""),
          key=("previousdoc", "previousline", "nextdoc", "nextline", "linktype"),
          display="linktype"),
    Table("previoustransactionlinelink", columns("""previousdoc ref:transaction, previousline int,
        previoustype text, nextdoc ref:transaction, nextline int, nexttype text, linktype text,
        foreignamount money, lastmodifieddate datetime"""),
          key=("previousdoc", "previousline", "nextdoc", "nextline", "linktype"),
          display="linktype"),
    Table("customersubsidiaryrelationship", columns("""id id, entity ref:customer,
        subsidiary ref:subsidiary, isprimarysub bool, name text, lastmodifieddate datetime""")),
    Table("vendorsubsidiaryrelationship", columns("""id id, entity ref:vendor,
        subsidiary ref:subsidiary, isprimarysub bool, name text, lastmodifieddate datetime""")),
    Table("consolidatedexchangerate", columns("""id id, postingperiod ref:accountingperiod,
        fromsubsidiary ref:subsidiary, tosubsidiary ref:subsidiary, fromcurrency ref:currency,
        tocurrency ref:currency, averagerate num, currentrate num, historicalrate num,
        accountingbook ref:accountingbook"""), display="id"),
    Table("deletedrecord", columns("""recordid int, recordtypeid int, scriptid text, type text,
        name text, context text, deletedby ref:employee, deleteddate datetime,
        iscustomlist bool, iscustomrecord bool, iscustomtransaction bool"""),
          key=("recordid", "recordtypeid", "scriptid")),
    Table("systemnote", columns("""id id, recordid int, recordtypeid int, field text, name ref:employee,
        oldvalue clob, newvalue clob, context text, date datetime, type int"""), display="field"),
    Table("nexus", columns("""id id, country text, description text, state text"""),
          display="description"),
    Table("salestaxitem", columns("""id id, itemid text, displayname text, rate num,
        taxagency ref:vendor, isinactive bool"""), display="itemid"),
    Table("customfield", columns("""internalid int, scriptid text, name text, fieldtype text,
        fieldvaluetype text, fieldvaluetyperecord text, ismandatory bool, isinactive bool,
        isstored bool, description text, lastmodifieddate datetime"""), key=("internalid",)),
    Table("customrecordtype", columns("""internalid int, scriptid text, name text,
        description text, isinactive bool, lastmodifieddate datetime"""), key=("internalid",)),
    Table("customlist", columns("""internalid int, scriptid text, name text, description text,
        isinactive bool, lastmodifieddate datetime"""), key=("internalid",)),
    Table("customrecord_asset", columns("""id id, name text, externalid text, isinactive bool,
        owner ref:employee, created datetime, lastmodified datetime,
        custrecord_asset_serial text, custrecord_asset_value num, custrecord_asset_bought date,
        custrecord_asset_checked datetime, custrecord_asset_owner ref:employee,
        custrecord_asset_tags multi, custrecord_asset_insured bool, custrecord_asset_notes clob"""),
          custom=True, title="Asset"),
]

# REST fields that SuiteQL does not have (PROTOCOL section 7) …
REST_ONLY = {
    "customer": {"balance": "number", "consolBalance": "number", "overdueBalance": "number",
                 "unbilledOrders": "number", "addressBook": "sublist", "currencyList": "sublist",
                 "entityStatus": "reference", "globalSubscriptionStatus": "string"},
    "vendor": {"balance": "number", "unbilledOrders": "number", "addressBook": "sublist"},
    "transaction": {"total": "number", "subTotal": "number", "item": "sublist",
                    "billingAddress": "subrecord", "toBePrinted": "boolean"},
    "item": {"pricingGroup": "reference", "price": "sublist", "storeDescription": "string"},
    "customrecord_asset": {"scriptId": "string", "recType": "reference"},
}
# … and SuiteQL columns that the REST metadata leaves out.
SUITEQL_ONLY = {
    "customer": {"entitytitle", "altname", "datecreated"},
    "transaction": {"abbrevtype", "trandisplayname", "foreigntotal", "foreignamountunpaid",
                    "foreignamountpaid", "daysopen", "posting"},
    "item": {"fullname", "itemtype"},
    "account": {"accountsearchdisplaynamecopy", "displaynamewithhierarchy"},
    "employee": {"issalesrep"},
}

FIELD_VALUE_TYPES = {"id": "Integer Number", "int": "Integer Number", "num": "Decimal Number",
                     "money": "Currency", "bool": "Check Box", "date": "Date",
                     "datetime": "Date/Time", "text": "Free-Form Text", "clob": "Long Text",
                     "multi": "Multiple Select", "ref": "List/Record"}


def catalog():
    """The sandbox's tables by name."""
    return {t.name: t for t in TABLES}
