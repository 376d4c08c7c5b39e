/*
 * catalog.c
 *		The extension's own dictionary of SuiteQL tables.
 *
 * NetSuite publishes no list of the tables that SuiteQL has over REST.  This one
 * holds what is common; an import verifies it against the account and adds
 * custom fields, custom records and what the metadata catalogue tells.
 */
#include "postgres.h"

#include "netsuite_fdw/catalog.h"

#define STAMP "lastmodifieddate"
#define SUBSIDIARY_LINKS "id i, entity i, subsidiary i, isprimarysub b, name s, lastmodifieddate t"
#define LINE_LINKS "previousdoc i, previousline i, previoustype s, nextdoc i, nextline i, nexttype s, linktype s, foreignamount n, lastmodifieddate t"
#define LINE_LINKS_KEY "previousdoc, previousline, nextdoc, nextline, linktype"

static const CatalogTable tables[] = {
	{"account", "id", NULL, STAMP, "account", NULL, "Chart of accounts",
	 "id i, acctnumber s, accountsearchdisplayname s, accountsearchdisplaynamecopy s, fullname s, displaynamewithhierarchy s, accttype s, parent i, currency i, subsidiary s, description s, eliminate b, issummary b, isinactive b, externalid s, lastmodifieddate t"},
	{"accountingbook", "id", NULL, STAMP, "accountingBook", NULL, "Accounting books",
	 "id i, name s, isprimary b, basebook i, lastmodifieddate t"},
	{"accountingperiod", "id", NULL, STAMP, "accountingPeriod", NULL, "Accounting periods",
	 "id i, periodname s, startdate d, enddate d, parent i, isyear b, isquarter b, isadjust b, closed b, alllocked b, isinactive b, lastmodifieddate t"},
	{"accounttype", "id", NULL, NULL, NULL, NULL, "Kinds of accounts",
	 "id s, longname s, balancesheet b, internalid i"},
	{"classification", "id", NULL, STAMP, "classification", NULL, "Classes",
	 "id i, name s, fullname s, parent i, subsidiary s, isinactive b, externalid s, lastmodifieddate t"},
	{"consolidatedexchangerate", "id", NULL, NULL, NULL, NULL, "Exchange rates for consolidation",
	 "id i, postingperiod i, fromsubsidiary i, tosubsidiary i, fromcurrency i, tocurrency i, averagerate n, currentrate n, historicalrate n, accountingbook i"},
	{"contact", "id", NULL, STAMP, "contact", "custentity", "Contacts",
	 "id i, entityid s, firstname s, lastname s, title s, email s, phone s, company i, isinactive b, externalid s, datecreated t, lastmodifieddate t"},
	{"currency", "id", NULL, STAMP, "currency", NULL, "Currencies",
	 "id i, name s, symbol s, displaysymbol s, currencyprecision i, exchangerate n, isbasecurrency b, isinactive b, externalid s, lastmodifieddate t"},
	{"customer", "id", NULL, STAMP, "customer", "custentity", "Customers, leads and prospects",
	 "id i, entityid s, entitytitle s, altname s, companyname s, firstname s, lastname s, isperson b, email s, phone s, fax s, url s, subsidiary i, currency i, terms i, pricelevel i, salesrep i, parent i, category i, entitystatus i, creditlimit n, accountnumber s, externalid s, comments s, isinactive b, datecreated t, lastmodifieddate t"},
	{"customersubsidiaryrelationship", "id", NULL, STAMP, "customerSubsidiaryRelationship", NULL, "Subsidiaries that a customer deals with", SUBSIDIARY_LINKS, "customer", "entity"},
	{"customfield", "internalid", NULL, STAMP, NULL, NULL, "Custom fields",
	 "internalid i, scriptid s, name s, fieldtype s, fieldvaluetype s, fieldvaluetyperecord s, ismandatory b, isinactive b, isstored b, description s, lastmodifieddate t"},
	{"customlist", "internalid", NULL, STAMP, NULL, NULL, "Custom lists",
	 "internalid i, scriptid s, name s, description s, isinactive b, lastmodifieddate t"},
	{"customrecordtype", "internalid", NULL, STAMP, NULL, NULL, "Custom record types",
	 "internalid i, scriptid s, name s, description s, isinactive b, lastmodifieddate t"},
	{"deletedrecord", "recordid, recordtypeid, scriptid", NULL, "deleteddate", NULL, NULL, "Records that were deleted",
	 "recordid i, recordtypeid i, scriptid s, type s, name s, context s, deletedby i, deleteddate t, iscustomlist b, iscustomrecord b, iscustomtransaction b"},
	{"department", "id", NULL, STAMP, "department", NULL, "Departments",
	 "id i, name s, fullname s, parent i, subsidiary s, isinactive b, externalid s, lastmodifieddate t"},
	{"employee", "id", NULL, STAMP, "employee", "custentity", "Employees",
	 "id i, entityid s, firstname s, lastname s, email s, phone s, title s, hiredate d, releasedate d, birthdate d, supervisor i, department i, class i, location i, subsidiary i, currency i, issalesrep b, isinactive b, externalid s, datecreated t, lastmodifieddate t"},
	{"entity", "id", NULL, STAMP, NULL, "custentity", "Customers, vendors, employees and others in one table",
	 "id i, entityid s, entitytitle s, altname s, type s, email s, phone s, isperson b, isinactive b, externalid s, datecreated t, lastmodifieddate t"},
	{"inventoryitemlocations", "item, location", NULL, "lastquantityavailablechange", NULL, NULL, "Stock by item and location",
	 "item i, location i, quantityavailable n, quantityonhand n, quantityonorder n, quantitycommitted n, quantitybackordered n, reorderpoint n, preferredstocklevel n, averagecostmli n, lastquantityavailablechange t", "item", "item"},
	{"item", "id", NULL, STAMP, "inventoryItem, serviceSaleItem, nonInventorySaleItem", "custitem", "Items",
	 "id i, itemid s, displayname s, fullname s, itemtype s, subtype s, description s, baseprice n, cost n, averagecost n, lastpurchaseprice n, weight n, unitstype i, saleunit i, stockunit i, incomeaccount i, expenseaccount i, assetaccount i, parent i, class i, department i, location i, upccode s, externalid s, isserialitem b, islotitem b, isinactive b, createddate t, lastmodifieddate t"},
	{"job", "id", NULL, STAMP, "job", "custentity", "Projects",
	 "id i, entityid s, companyname s, altname s, customer i, parent i, startdate d, projectedenddate d, actualenddate d, entitystatus i, isinactive b, externalid s, datecreated t, lastmodifieddate t"},
	{"location", "id", NULL, STAMP, "location", NULL, "Locations",
	 "id i, name s, fullname s, parent i, subsidiary i, makeinventoryavailable b, latitude n, longitude n, isinactive b, externalid s, lastmodifieddate t"},
	{"nexttransactionlinelink", LINE_LINKS_KEY, NULL, STAMP, NULL, NULL, "Lines that follow from lines", LINE_LINKS, "transaction", "nextdoc"},
	{"nexus", "id", NULL, NULL, "nexus", NULL, "Tax nexuses", "id i, country s, description s, state s"},
	{"partner", "id", NULL, STAMP, "partner", "custentity", "Partners",
	 "id i, entityid s, companyname s, email s, phone s, isinactive b, externalid s, datecreated t, lastmodifieddate t"},
	{"previoustransactionlinelink", LINE_LINKS_KEY, NULL, STAMP, NULL, NULL, "Lines that lines follow from", LINE_LINKS, "transaction", "nextdoc"},
	{"pricelevel", "id", NULL, STAMP, "priceLevel", NULL, "Price levels",
	 "id i, name s, discountpct n, isonline b, isinactive b, externalid s, lastmodifieddate t"},
	{"salestaxitem", "id", NULL, NULL, "salesTaxItem", NULL, "Tax codes",
	 "id i, itemid s, displayname s, rate n, taxagency i, isinactive b"},
	{"subsidiary", "id", NULL, STAMP, "subsidiary", NULL, "Subsidiaries",
	 "id i, name s, fullname s, legalname s, parent i, currency i, country s, iselimination b, isinactive b, externalid s, lastmodifieddate t"},
	{"systemnote", "id", NULL, "date", NULL, NULL, "Who changed what and when",
	 "id i, recordid i, recordtypeid i, field s, name i, oldvalue s, newvalue s, context s, date t, type i"},
	{"term", "id", NULL, STAMP, "term", NULL, "Terms of payment",
	 "id i, name s, daysuntilnetdue i, discountpercent n, daysuntilexpiry i, isinactive b, externalid s, lastmodifieddate t"},
	{"transaction", "id", NULL, STAMP, "salesOrder, invoice, cashSale, customerPayment, creditMemo, purchaseOrder, vendorBill, vendorPayment, journalEntry, itemFulfillment, itemReceipt, estimate, returnAuthorization, deposit, vendorCredit, inventoryAdjustment", "custbody", "Headers of all transactions",
	 "id i, tranid s, transactionnumber s, type s, abbrevtype s, recordtype s, trandate d, duedate d, closedate d, createddate t, lastmodifieddate t, createdby i, lastmodifiedby i, status s, entity i, currency i, exchangerate n, foreigntotal n, foreignamountpaid n, foreignamountunpaid n, estgrossprofit n, postingperiod i, posting b, memo s, externalid s, otherrefnum s, voided b, void b, approvalstatus i, employee i, terms i, isreversal b, billingstatus b, email s, shipdate d, actualshipdate d, trandisplayname s, source s, nexus i, visibletocustomer b, daysopen i, title s"},
	{"transactionaccountingline", "transaction, transactionline, accountingbook", NULL, STAMP, NULL, NULL, "What transaction lines post, by book",
	 "transaction i, transactionline i, accountingbook i, account i, accounttype s, amount n, debit n, credit n, netamount n, amountunpaid n, amountpaid n, exchangerate n, posting b, processedbyrevcommit b, lastmodifieddate t", "transaction", "transaction"},
	{"transactionline", "transaction, id", "uniquekey", "linelastmodifieddate", NULL, "custcol", "Lines of all transactions",
	 "transaction i, id i, uniquekey i, linesequencenumber i, mainline b, taxline b, iscogs b, item i, itemtype s, entity i, subsidiary i, department i, class i, location i, quantity n, quantitybilled n, quantityshiprecv n, rate n, netamount n, foreignamount n, creditforeignamount n, debitforeignamount n, expenseaccount i, memo s, createdfrom i, isclosed b, isbillable b, isfullyshipped b, linecreateddate t, linelastmodifieddate t", "transaction", "transaction"},
	{"transactionstatus", "fullname", NULL, NULL, NULL, NULL, "Statuses of transactions",
	 "fullname s, id s, name s, trantype s, trancustomtype i"},
	{"unitstype", "id", NULL, STAMP, "unitsType", NULL, "Types of units",
	 "id i, name s, isinactive b, externalid s, lastmodifieddate t"},
	{"vendor", "id", NULL, STAMP, "vendor", "custentity", "Vendors",
	 "id i, entityid s, companyname s, firstname s, lastname s, isperson b, email s, phone s, subsidiary i, currency i, terms i, category i, is1099eligible b, externalid s, isinactive b, datecreated t, lastmodifieddate t"},
	{"vendorsubsidiaryrelationship", "id", NULL, STAMP, "vendorSubsidiaryRelationship", NULL, "Subsidiaries that a vendor deals with", SUBSIDIARY_LINKS, "vendor", "entity"},
};

const CatalogTable *
catalog_list(int *n)
{
	*n = lengthof(tables);
	return tables;
}

const CatalogTable *
catalog_find(const char *name)
{
	for (int i = 0; i < lengthof(tables); i++)
	{
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	}
	return NULL;
}

/* Is word one of the words in a list? */
static bool
lists(const char *list, const char *word)
{
	int len = strlen(word);

	for (const char *p = list; p != NULL && (p = strstr(p, word)) != NULL; p += len)
	{
		if ((p == list || p[-1] == ' ') && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

/*
 * Further REST types whose records live in a table.  Their JSON schemas are
 * not asked for: their fields are those of the types above and of the
 * dictionary.
 */
static const struct
{
	const char *table;
	const char *records;
} others[] = {
	{"item", "assemblyItem, serializedInventoryItem, lotNumberedInventoryItem, serializedAssemblyItem, lotNumberedAssemblyItem, kitItem, itemGroup, nonInventoryPurchaseItem, nonInventoryResaleItem, servicePurchaseItem, serviceResaleItem, otherChargeSaleItem, otherChargePurchaseItem, otherChargeResaleItem, discountItem, markupItem, paymentItem, subtotalItem, descriptionItem, downloadItem, giftCertificateItem, shipItem, subscriptionPlan"},
	{"transaction", "customerDeposit, customerRefund, cashRefund, depositApplication, opportunity, purchaseRequisition, vendorReturnAuthorization, vendorPrepayment, vendorPrepaymentApplication, intercompanyJournalEntry, advIntercompanyJournalEntry, statisticalJournalEntry, periodEndJournal, check, expenseReport, creditCardCharge, creditCardRefund, inventoryTransfer, inventoryCount, inventoryCostRevaluation, inventoryStatusChange, transferOrder, intercompanyTransferOrder, binTransfer, binWorksheet, assemblyBuild, assemblyUnbuild, workOrder, workOrderClose, workOrderCompletion, workOrderIssue, paycheck, paycheckJournal, fulfillmentRequest"},
};

/* The table in which records of a REST type live, or NULL */
const CatalogTable *
catalog_of_record(const char *record)
{
	for (int i = 0; i < lengthof(tables); i++)
	{
		if (lists(tables[i].records, record))
			return &tables[i];
	}
	for (int i = 0; i < lengthof(others); i++)
	{
		if (lists(others[i].records, record))
			return catalog_find(others[i].table);
	}
	return NULL;
}

/* The letter of a column's type; \0 if the dictionary does not know the column */
char
catalog_column(const CatalogTable *table, const char *name)
{
	int len = strlen(name);

	for (const char *p = table->columns; p != NULL; p = strstr(p, ", "))
	{
		p += strspn(p, ", ");
		if (pg_strncasecmp(p, name, len) == 0 && p[len] == ' ')
			return p[len + 1];
	}
	return '\0';
}
